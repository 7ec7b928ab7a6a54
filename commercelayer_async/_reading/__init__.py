"""Requests in terms of resources.

reader.py       one resource by id, many by ids, what a relationship leads to
batch.py        groups relationships that are awaited together into few requests
chunks.py       how many ids fit into one request, and which errors one id may have caused; pure
top_level.py    meta and links of a response's document; pure
parameters.py   query parameters, percent-encoded, by the names of the service's facts; pure

`session.get` and the bulk reads call the reader. Awaiting a relationship goes to the batcher first, which asks the
reader for many parents at once or, for a relationship awaited alone, for its own link.
"""
