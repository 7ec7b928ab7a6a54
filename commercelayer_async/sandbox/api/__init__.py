"""The Core API without its transport: a query in, a JSON:API document out.

core.py         the four routes: which records a request asks for
access.py       who sees what
query.py        reads the parameters of a request
predicates.py   what a filter compares by
filters.py      reads filters, and tells whether a record meets them
listing.py      which records a list has, and in which order
paging.py       cuts a page out of a list, by number or by cursor
documents.py    writes the document

`Api` reads the query, finds the records (a list is filtered and sorted by `Listing`, then cut by `paging`), and has a
`Composer` write them.
"""
