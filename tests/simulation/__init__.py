"""A simulation: from one integer, a service, programs that read it, and everything that goes wrong between them.

    time.py         one virtual time, and the event loops ("processes") that share it
    service.py      a model of the service: windows, tokens, records, pages; pure
    faults.py       what goes wrong with a response; pure, all from the seed
    network.py      a transport in memory between a session and the model
    stores.py       a model of the store of a budget that processes share: a file, a Redis server, and their faults
    parts.py        a caller's own parts, which raise, hang and lie: limiters, stores, token functions, hooks, ids
    plan.py         from the seed to a plan: sessions, and what callers do with them and when; pure
    callers.py      callers that do one thing each, and compare what they are given with what the model holds
    world.py        the run of one plan, and the checks at its end
    violations.py   the invariants, and what was seen to break them
    known.py        faults that are known and not mended yet
    shrink.py       the shortest plan that still fails
    search.py       runs of many seeds, and the report of those that fail
    __main__.py     the command line

`docs/explanation/simulation.md` says what it is for and what it found.
"""
