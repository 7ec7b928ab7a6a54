"""HTTP for one origin: what is sent, what comes back, and what an answer means.

    message.py      Request and Response, the values that everything else passes around
    origin.py       which URLs belong to the API; every link is checked here before it is followed
    status.py       a response as a document or as the error it stands for
    transport.py    aiohttp: pools, time-outs, and its exceptions translated into ours
    fastpath.py     GETs on aiohttp's connections alone, where nothing is in the way

A call passes `origin`, then `transport` (which takes `fastpath` where it can), then `status`.
"""
