"""Exact leaves: rational programs, bases, projections and patterns."""
