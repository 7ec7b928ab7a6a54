"""The seeded world: wallets, and the records that they lead to. Equal seeds give equal worlds.

world.py            the world as one object: look-ups, and changes while the sandbox runs
drafts.py           records of a user's own, checked by the schema
links.py            what relates to what: as seeded, or as a user set it
tables.py           makes the table of every type
table.py            the records of one type, each made when it is first asked for
relations.py        which seeded record relates to which, as columns of integer keys
schema.py           the types of the API, and the relationships of each
attributes.py       the attributes of each type, and which of them filter and sort
records.py          values for wallets, customers, payment methods, gateways, events and the organization
payment_sources.py  values for the ten types of payment source
generate.py         made-up values, the same ones for the same record
ids.py              integer keys to the ids that clients see, and back
times.py            points in time as the API writes them

At the start `Relations` decides in one pass who relates to whom; that is all that is kept in memory. A request then
turns an id into a key by arithmetic (ids), and the table makes the record of that key from the seed.
"""
