"""All that one must believe to believe a proof: the rules of `docs/certificates.md` in exact
fractions, with the standard library alone. Read text, network, question, rules, ridge and runs, in
this order. `python -m verifier.kernel PROOF`, or `RUN`, prints what is proved."""
