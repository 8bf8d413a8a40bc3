"""The papers that reports name, found by their authors in what a report says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reference:
    """A paper: `names` are the texts by which sentences name it."""

    key: str
    names: tuple[str, ...]
    kind: str
    fields: tuple[tuple[str, str], ...]

    @property
    def bibtex(self) -> str:
        """The entry of a BibTeX file."""
        lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in self.fields)
        return f"@{self.kind}{{{self.key},\n{lines}\n}}\n"

    @property
    def text(self) -> str:
        """The paper in a line."""
        known = dict(self.fields)
        people = known["author"].split(" and ")
        listed = ", ".join(" ".join(reversed(person.split(", "))) for person in people)
        place = known.get("booktitle") or known["journal"]
        title = known["title"].replace("{", "").replace("}", "")
        return f"{listed}. {title}. {place}, {known['year']}."


def _paper(
    key: str, names: str, author: str, title: str, place: str, year: int, kind: str = "booktitle"
) -> Reference:
    entry = "inproceedings" if kind == "booktitle" else "article"
    fields = (("author", author), ("title", title), (kind, place), ("year", str(year)))
    return Reference(key, tuple(names.split("|")), entry, fields)


_ICLR = "International Conference on Learning Representations"
_COLT = "Conference on Learning Theory"
_NEURIPS = "Advances in Neural Information Processing Systems"
PAPERS = (
    _paper("yu2024", "Yu, Gao, Zhang|Yu et al.", "Yu, Lijia and Gao, Xiao-Shan and Zhang, Lijun",
           "Optimal Robust Memorization with {ReLU} Neural Networks", _ICLR, 2024),
    _paper("egosi2025", "Egosi, Yehudai, Shamir|Egosi et al.",
           "Egosi, Amitsour and Yehudai, Gilad and Shamir, Ohad",
           "Logarithmic Width Suffices for Robust Memorization", _COLT, 2025),
    _paper("kim2025", "Kim, Moon, Yun|Kim et al.", "Kim, Yujun and Moon, Chaewon and Yun, Chulhee",
           "The Cost of Robustness: Tighter Bounds on Parameter Complexity for Robust Memorization "
           "in {ReLU} Nets", _NEURIPS, 2025),
    _paper("li2022", "Li, Jin, Zhong, Hopcroft, Wang|Li et al.",
           "Li, Binghui and Jin, Jikai and Zhong, Han and Hopcroft, John and Wang, Liwei",
           "Why Robust Generalization in Deep Learning is Difficult", _NEURIPS, 2022),
    _paper("park2021", "Park, Lee, Yun, Shin|Park et al.",
           "Park, Sejun and Lee, Jaeho and Yun, Chulhee and Shin, Jinwoo",
           "Provable Memorization via Deep Neural Networks using Sub-linear Parameters",
           _COLT, 2021),
    _paper("vardi2022", "Vardi, Yehudai, Shamir|Vardi et al.",
           "Vardi, Gal and Yehudai, Gilad and Shamir, Ohad",
           "On the Optimal Memorization Power of {ReLU} Neural Networks", _ICLR, 2022),
    _paper("vonberg2026", "von Berg et al.",
           "von Berg, Jonas and Fono, Adalbert and Datres, Massimiliano and Maskey, Sohir and "
           "Kutyniok, Gitta",
           "The Price of Robustness: Stable Classifiers Need Overparameterization", _ICLR, 2026),
    _paper("bosman2025", "Bosman et al.",
           "Bosman, Annelot W. and Berger, Aaron and Hoos, Holger H. and van Rijn, Jan N.",
           "Robustness Distributions in Neural Network Verification",
           "Journal of Artificial Intelligence Research", 2025, "journal"),
)  # fmt: skip
_NAMED = {name: paper for paper in PAPERS for name in paper.names}
NAMES = re.compile("|".join(map(re.escape, sorted(_NAMED, key=len, reverse=True))))
"""Whatever names a paper."""


def named(name: str) -> Reference:
    """The paper of this name."""
    return _NAMED[name]


def cited(texts: Iterable[str]) -> list[Reference]:
    """The papers that these texts name, in the order of `PAPERS`."""
    found = {_NAMED[name].key for text in texts for name in NAMES.findall(text)}
    return [paper for paper in PAPERS if paper.key in found]
