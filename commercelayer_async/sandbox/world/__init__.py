"""The seeded world: wallets, and the records that they lead to. Equal seeds give equal worlds.

world.py            the world as one object: look-ups, and wallets created and deleted while the sandbox runs
tables.py           makes the table of every type
table.py            the records of one type, each made when it is first asked for
relations.py        which record relates to which, as columns of integer keys
schema.py           the types of the API, and the relationships of each
records.py          attributes of wallets, customers, payment methods, gateways and events
payment_sources.py  attributes of the ten types of payment source
generate.py         made-up values, the same ones for the same record
ids.py              integer keys to the ids that clients see, and back
times.py            points in time as the API writes them

At the start `Relations` decides in one pass who relates to whom; that is all that is kept in memory. A request then
turns an id into a key by arithmetic (ids), and the table makes the record of that key from the seed.
"""
