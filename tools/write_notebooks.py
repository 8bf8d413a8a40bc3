"""Executes the tutorials docs/learn/*.ipynb in place, and writes each as a page beside it.

python tools/write_notebooks.py [NAME ..]      needs the extra `docs`, and PyTorch for one of them
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbconvert import MarkdownExporter

LEARN = Path(__file__).parents[1] / "docs" / "learn"
_SECONDS = 900  # of a cell


def executed(path: Path) -> Any:
    """The notebook with what its cells print now, run in an empty folder of its own."""
    notebook = nbformat.read(path, as_version=4)
    commands = str(Path(sys.executable).parent)  # where `robmem` is, in an environment
    os.environ["PATH"] = os.pathsep.join([commands, os.environ.get("PATH", "")])
    with TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=_SECONDS, resources=resources).execute()
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    facts = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook.metadata = nbformat.from_dict(facts)
    return notebook


def _joined(outputs: list[Any]) -> list[Any]:
    """The outputs of a cell, with all that it printed as one text however it arrived."""
    kept: list[Any] = []
    for output in outputs:
        before = kept[-1] if kept else None
        if before and before.output_type == output.output_type == "stream":
            before.text += output.text
        else:
            kept.append(output)
    return kept


def printed(notebook: Any) -> list[list[Any]]:
    """What a reader sees of each cell's outputs, for comparison."""
    return [
        [output.get("text") or output.get("data") or output.get("ename") for output in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def page(path: Path) -> str:
    """The notebook as a page of the site."""
    text, _ = MarkdownExporter().from_notebook_node(nbformat.read(path, as_version=4))
    lines = (line.rstrip() for line in str(text).strip().splitlines())
    return "\n".join(lines) + f"\n\nThis page is a notebook: [{path.name}]({path.name}).\n"


if __name__ == "__main__":
    for chosen in sorted(LEARN.glob("*.ipynb")):
        if sys.argv[1:] and chosen.stem not in sys.argv[1:]:
            continue
        nbformat.write(executed(chosen), chosen)
        chosen.with_suffix(".md").write_text(page(chosen), encoding="utf-8")
