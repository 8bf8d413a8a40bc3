"""Exact certificates for ReLU networks: what is believed, what searches, what reads files."""
