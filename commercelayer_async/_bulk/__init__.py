"""Many resources by id.

outcomes.py       what a program gets of each id, and how far the read has come
id_source.py      ids from any iterable, sync or async, cut into chunks
chunk_reading.py  one chunk read, in halves where one id may spoil it; an outcome for each id
stream.py         ids in, outcomes out: workers, a bounded buffer, nothing that outlives its block
many.py           all of them at once, and relationships of many resources, on top of a stream

`session.stream` makes a `Stream`, whose workers start when its block is entered and end when it is left.
`session.get_many` and `session.prefetch` run one to its end and gather what it gives.
"""
