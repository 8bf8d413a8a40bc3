"""Proofs as VIPR certificates, and a strict checker of these."""
