"""All that one must believe to believe a proof: the rules of `docs/certificates.md` in exact
fractions, with the standard library alone. Read in this order:

text      files, JSON and numbers, strictly
network   the native network file, and the digest that names a network
question  region, goals, and how a label becomes goals
rules     branches, leaves and trees: what a proof may say, and why each rule holds
ridge     sums of ridge functions
runs      run folders: the question of each sample, rebuilt from manifest, network and data

`python -m verifier.kernel PROOF` and `python -m verifier.kernel RUN` print what is proved.
"""
