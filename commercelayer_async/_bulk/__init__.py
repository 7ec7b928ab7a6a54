"""Many resources by id.

stream.py       ids in, outcomes out: workers, a bounded buffer, nothing that outlives its block
many.py         all of them at once, and relationships of many, on top of a stream
"""
