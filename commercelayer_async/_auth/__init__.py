"""Tokens: what is sent for one, what comes back, and one that is always fresh.

credentials.py  the grants, the token request and its answer; pure
manager.py      one token for all who wait: single-flight renewal, the store
"""
