"""Lists: what is asked, and how one page leads to the next.

filters.py      filters and sort keys, checked against the class; pure
paginators.py    paginators: by links, by keys; what is wrong with a page; pure
collection.py   what a program awaits or iterates over
"""
