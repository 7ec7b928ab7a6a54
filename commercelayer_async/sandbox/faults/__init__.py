"""Faults: what goes wrong with a response, and which responses it happens to.

checks.py    what a fault may be made of
effects.py   what may go wrong, as values: another response, a reset, a delay, ...
rules.py     which requests get which fault, and how often it happened
apply.py     carries a fault out on a response

The application picks a fault when a request arrives (`Faults.pick`), has the response made, waits (`hold`), changes it
(`alter`) and sends or breaks it off (`send`).
"""
