"""Rate limits as the service counts them.

rates.py         the limits and the options of a sandbox, and the reports on what arrived
rate_classes.py  which budget a request is taken from, and at which endpoint it counts
meter.py         the sliding windows: counts each request and decides whether to refuse it

Each request is classified when it arrives and counted by the meter, before its token or its path is looked at.
"""
