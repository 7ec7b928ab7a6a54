"""Many resources by id.

stream.py       ids in, outcomes out: workers, a bounded buffer, nothing that outlives its block
many.py         all of them at once, and relationships of many resources, on top of a stream

`session.stream` makes a `Stream`, whose workers start when its block is entered and end when it is left.
`session.get_many` and `session.prefetch` run one to its end and gather what it gives.
"""
