"""Floats: bounds of branches, relaxations, and the one file that runs a solver."""
