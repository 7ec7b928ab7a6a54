"""HTTP around the sandbox's two APIs.

request_log.py  what a sandbox keeps of each request that it received
loopback.py     the check that a request was meant for loopback
negotiation.py  whether an `Accept` header allows JSON:API
bodies.py       JSON in requests and responses
gate.py         holds responses back until a test opens it

The application logs a request first, then checks its host; negotiation and bodies come with the handlers of the APIs.
A gate has a part only where a fault delays a response until it opens.
"""
