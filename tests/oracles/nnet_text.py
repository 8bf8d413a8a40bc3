"""A small .nnet file."""

from __future__ import annotations

NNET = """// |x - 1/2| on the box 0.25 .. 1
2,1,1,2,
1,2,1,
0,
{low},
1,
{mean},0,
1,1,
1,
-1,
-0.5,
0.5,
1,1,
0,
"""
