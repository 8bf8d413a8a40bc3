"""The command line: the one place where data, constructions, search and reports meet.

Nothing imports this package.
"""
