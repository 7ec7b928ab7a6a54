"""Lists: what is asked, and how one page leads to the next.

filters.py      filters and sort keys, checked against the class and the service's facts; pure
list_query.py   what is asked of a list, and a position in it as a text to store; pure
pages.py        a page, as it was received and as a program gets it; pure
moments.py      where a list is cut by the moment of creation, by counting; pure
seen_ids.py     the ids that came, in bounded memory; pure
paginators.py   which page comes next, by links or by keys, and what is wrong with one; pure
list_reader.py  requests a page, and checks that it is what was asked for
collection.py   what a program awaits or iterates over
arguments.py    the arguments of a list or a scan, checked
raw.py          scans that decode nothing
ranges.py       the ranges that a scan can be cut into, by ids
creation.py     the same by the moment of creation

`session.list` and `session.scan` make a `ResourceCollection` or a `Scan`, for which filters and sort keys are checked;
nothing is sent yet. Each iteration then has a paginator of its own: it names the target to request, a `ListReader`
sends the request, and the paginator makes a `Page` of the response.
"""
