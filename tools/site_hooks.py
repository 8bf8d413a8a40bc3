"""What MkDocs does besides: the gallery of reports is part of the site, as it is, and examples in
docstrings are code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import griffe
from mkdocs.structure.files import File

GALLERY = Path(__file__).parents[1] / "reports" / "gallery"
_EXAMPLE = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)
_SHOWN = (".html", ".svg", ".png", ".css")


def on_files(files: Any, *, config: Any) -> Any:
    """The pages and figures of the gallery are files of the site, in its folder gallery."""
    for path in sorted(GALLERY.rglob("*")):
        if path.suffix in _SHOWN:
            name = f"gallery/{path.relative_to(GALLERY).as_posix()}"
            files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:
    """Links that lead from docs/ to the gallery in the repository lead to it in the site."""
    return markdown.replace("](../reports/gallery/", "](gallery/")


class Doctests(griffe.Extension):
    """Makes a code block of every example: to Markdown its prompts are quotes."""

    def on_object(self, *, obj: griffe.Object, loader: griffe.GriffeLoader, **kwargs: Any) -> None:
        """Changes the docstring of `obj`, once it has been read."""
        if obj.docstring is not None:
            obj.docstring.value = _EXAMPLE.sub(r"```pycon\n\g<0>\n```", obj.docstring.value)
