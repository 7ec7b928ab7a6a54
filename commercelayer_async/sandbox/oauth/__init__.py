"""The Auth API without its transport: grants in, signed tokens out.

tokens.py   grants access and refresh tokens, checks them, revokes them
claims.py   what an access token says about who issued it and whom it is for
jwt.py      signs the claims as a JSON Web Token

`Tokens.issue` checks the client first, then what the grant type asks for (a customer's password, a refresh token), and
gives the current token of the grant or makes another.
"""
