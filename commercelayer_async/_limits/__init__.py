"""Rate limits: how many requests may leave, and who goes first.

windows.py      sliding windows and what headers report of them; pure arithmetic
budget.py       the windows of one class of routes, and what may leave now; pure
limiter.py      the queue, the timer, leases, and the pause after a refusal
"""
