"""The simulated world: faces, voices, affect and whole data sets, from a seed and nothing else.

DATASHEET.md beside this file says what is simulated, from what source, and what must not be
concluded from it.
"""
