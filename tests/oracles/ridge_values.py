"""A piecewise linear function, evaluated by its definition."""

from fractions import Fraction

F = Fraction


def value(function, u):
    """By the definition: from the point before u, or back from the first one."""
    x = u * function.size
    k = max((k for k, point in enumerate(function.points) if point <= x), default=None)
    if k is None:
        y = function.values[0] + function.slopes[0] * (x - function.points[0])
    else:
        y = function.values[k] + function.slopes[k + 1] * (x - function.points[k])
    return F(y) / function.size
