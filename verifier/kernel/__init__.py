"""All that one must believe to believe a proof: the rules of `docs/certificates.md` in exact
fractions, with the standard library alone. Read text, network, question, rules, ridge, runs, in
this order. `python -m verifier.kernel PROOF` and `python -m verifier.kernel RUN` print what is
proved."""
