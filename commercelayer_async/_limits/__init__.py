"""Rate limits: how many requests may leave, and who goes first.

    windows.py      sliding windows, and what headers report of them; pure arithmetic
    budget.py       the windows of one class of routes, and what may leave now; pure
    limiter.py      the queues, the timer, leases, and the pause after a refusal

A call asks the limiter for a lease before each request, and settles it with the response.
"""
