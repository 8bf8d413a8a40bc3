"""Which optional part of the package brings a library that is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from verifier.question.errors import UserError

EXTRAS = {
    "onnx": "onnx",
    "matplotlib": "report",
    "jinja2": "report",
    "sklearn": "sklearn",
    "dask": "cluster",
    "distributed": "cluster",
    "pyarrow": "parquet",
    "onnxruntime": "test",
}
"""The extra of pyproject.toml by the library that it brings."""


def missing_extra(error: ModuleNotFoundError) -> str | None:
    """In one line what to install; None if the module belongs to no extra.

    >>> missing_extra(ModuleNotFoundError(name="matplotlib.figure"))
    "this needs matplotlib, which is not installed: pip install 'robmem[report]'"
    """
    library = (error.name or "").partition(".")[0]
    if library not in EXTRAS:
        return None
    return f"this needs {library}, which is not installed: pip install 'robmem[{EXTRAS[library]}]'"


@contextmanager
def needing() -> Iterator[None]:
    """A library of an extra that is missing inside is a UserError that names the extra."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = missing_extra(error)
        if missing is None:
            raise
        raise UserError(missing) from None
