"""HTTP for one origin: what is sent, what comes back, and what a response means.

    message.py        Request, Response and Transport: the values that everything else passes around
    options.py        how a session speaks HTTP, as one value
    origin.py         which URLs belong to the API; every link is checked here before it is followed
    proxies.py        the proxy that the environment names for the API
    user_agent.py     the header by which servers know this client
    middlewares.py    what keeps aiohttp, and a caller's session, from making another request than ours
    body.py           a response's body, within a limit and unpacked
    transport.py      aiohttp: its pools and sessions
    fastpath.py       GETs on aiohttp's connections alone, where nothing is in between
    compatibility.py  whether this aiohttp is one that fastpath knows
    failures.py       aiohttp's exceptions as ours, without the secrets in them
    status.py         a response as a document's bytes, or as the error it stands for

A request's target comes from `origin`; `transport` sends it, over `fastpath` where it can; `status` judges what came.
"""
