"""Faults to order: rules that say what goes wrong with which answer, and what carries them out."""
