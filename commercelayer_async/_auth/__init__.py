"""Tokens: what is sent for one, what comes back, and one that is always fresh.

credentials.py  the grants, the token request and its answer, what a stored token is good for; pure
principal.py    whom a token speaks for; pure
manager.py      one token for all who wait: single-flight renewal, pauses, revocation
renewals.py     sessions of one loop that share a store renew together
store.py        the caller's store, bounded in time
"""
