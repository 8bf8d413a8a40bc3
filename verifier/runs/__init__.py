"""Runs: a question about every sample of a data set, its answers as they come, and the seal."""
