"""One rate budget for many processes: who may leave, over all that share a store.

    state.py        what a store keeps of a budget, what is asked of it and what it answers: plain numbers; pure
    step.py         who may leave now: the one decision, made in a transaction of the store; pure
    step.lua        the same decision, line by line, for Redis
    own.py          what this process has under way, and its share of a budget whose store is lost; pure
    store.py        what a store does, and how it fails
    agent.py        the queues of a process: it alone talks to the store, for all its callers
    limiter.py      a limiter for sessions: which budget is whose, and who closes it
    runtime_folder.py   where the file is by default, and on which file systems it may not be
    file_store.py   a store in a file: SQLite
    redis_client.py what reaches Redis: bounded in time, and without connections that stay open
    redis_store.py  a store in Redis

A call joins a queue in memory. The agent of the queue asks the store in one step: "these responses came; up to n
interactive and m bulk requests, please". The answer says how many may leave, and when to ask again.
"""
