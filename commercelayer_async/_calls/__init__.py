"""A call, from the first attempt to the last.

pipeline.py      the loop: token, rate windows, connection, send, read, judge, wait, again
attempts.py      what a failure calls for, and when the next attempt is made
deadline.py      one deadline around a whole call
semaphore.py     a first-in-first-out semaphore in front of the connections
singleflight.py  concurrent awaits of one key share one task
context.py       what a session shares with its copies
"""
