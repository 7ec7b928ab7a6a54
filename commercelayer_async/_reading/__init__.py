"""Requests in terms of resources.

reader.py       one resource by id, many by ids, and what a relationship leads to
batch.py        relationships that are awaited together become few requests
chunks.py       how many ids fit into one request, and what its answer says of each; pure
"""
