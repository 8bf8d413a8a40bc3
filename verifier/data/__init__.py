"""Data sets from files and packages, read exactly."""
