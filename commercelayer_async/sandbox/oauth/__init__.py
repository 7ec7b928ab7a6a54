"""The Auth API without its transport: grants in, signed tokens out.

refused.py     error responses, by the names that OAuth has for them
clients.py     the applications: which grants each may use, and with which secret
jwt.py         signs and reads JSON Web Tokens
scopes.py      what a scope may be
claims.py      what a grant permits, and what an access token says about it
assertions.py  whom another program speaks for
grants.py      what is exchanged for a token: credentials, passwords, codes, assertions
tokens.py      issues access and refresh tokens, checks them, revokes them

`Tokens.issue` checks the client first, then what the grant type asks for, and gives the current token of the grant or
makes another.
"""
