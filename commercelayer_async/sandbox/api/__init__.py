"""The Core API without its transport: a query in, a JSON:API document out.

core.py         what is asked, and the document that answers it
query.py        the parameters of a request
filters.py      conditions, and whether a record meets them
listing.py      which records a list shows, in which order
paging.py       pages by number and by cursor
documents.py    documents from records
"""
