"""Networks, questions and proofs from outside, and back."""
