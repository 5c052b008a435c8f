"""Fuzzing of every input format: mutations, targets, and a driver that bounds each case.

A *target* is an input format with the code path that takes it. A case is a mutated sample given to that path: it has
to be accepted, or refused by an error of Neutral's own, within a limit of CPU time and of memory.
"""
