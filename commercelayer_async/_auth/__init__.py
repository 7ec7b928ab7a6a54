"""Tokens: what is sent for one, what comes back, and one that is always fresh.

credentials.py     the grants, the token request and its answer, what a stored token is good for; pure
principal.py       whom a token speaks for; pure
endpoint.py        what the manager needs of the token endpoint, and of calls that wait
token_function.py  a token from a function of the caller's
store.py           the caller's store, bounded in time, and whose turn it is to ask
kept_tokens.py     a token as the bytes that a store of this package keeps, encrypted if somebody wants that; pure
shared_store.py    what the stores of this package have in common: whose turn it is, and that nothing newer is lost
token_file.py      tokens in a file of this machine
token_redis.py     tokens in Redis
token.lua          what is done there, in one step
renewals.py        sessions of one loop that share a store renew together
manager.py         one token for all who wait: single-flight renewal, pauses, revocation
"""
