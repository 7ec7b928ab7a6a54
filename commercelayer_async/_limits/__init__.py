"""Rate limits: how many requests may leave, and who goes first.

    demand.py       what interactive calls used lately, which bulk calls leave them; pure
    moments.py      moments of very many requests, in little memory; pure
    windows.py      sliding windows, and which reported ones can be kept; pure arithmetic
    quota.py        what is left until a reset, where the window's length is not told; pure
    budget.py       the windows of requests that are counted together, and what may leave now; pure
    binding.py      limiters of a caller's that are told for whom they count
    limiter.py      the queues, the timer, leases, the pause after a refusal, and who shares which budget

A call asks the limiter for a lease before each request, and settles it with the response.
"""
