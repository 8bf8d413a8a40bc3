"""The rules in scaled integers, fast: nothing but this package and the kernel says "proved"."""
