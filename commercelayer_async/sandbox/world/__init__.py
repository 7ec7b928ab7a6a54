"""The seeded world: wallets and all that they lead to, the same for the same seed.

world.py        the world as one object that may be changed
schema.py       the types, their attributes and relationships
relations.py    who owns what, as columns of integers
tables.py       makes a table for each type
table.py        the records of one type, made when they are asked for
records.py      attributes of wallets and of what surrounds them
payment_sources.py  attributes of the ten types of payment source
generate.py     made-up values, the same for the same record
ids.py          integer keys, and the texts that clients see
times.py        points in time as the API writes them
"""
