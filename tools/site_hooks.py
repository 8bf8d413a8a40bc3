"""What MkDocs does besides: the gallery of reports is part of the site, as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

GALLERY = Path(__file__).parents[1] / "reports" / "gallery"
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
