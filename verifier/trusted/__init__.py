"""Exact arithmetic, questions and the checker: all that must be read to believe a verdict.

Nothing here imports the search, a solver or any package but numpy; no float decides anything here.
"""
