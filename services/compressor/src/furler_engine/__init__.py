"""Furler's engine: content in, view out. Pure: no I/O, no clock, no randomness.

``compress`` runs the pipeline; ``select`` picks parts of an original.
"""
