"""Constructed networks: many layers, few undecided units, exact bounds unit by unit."""
