"""What the doctor finds in one set: how much is there, what is damaged, what stands twice."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, field

import numpy as np

from emolib.data.files import Damaged


@dataclass(frozen=True)
class Checked:
    """One set, looked into.

    found       samples that can be used (rows, clips, images ...)
    detail      one line: counts a reader would compare, oddities that are no damage
    damaged     what is wrong with each file that cannot be used
    duplicates  one line on exact duplicates inside and across splits, '' where there are none
    """

    found: int
    detail: str = ""
    damaged: list[Damaged] = field(default_factory=list)
    duplicates: str = ""

    def state(self, expected: int) -> str:
        """'damaged' (nothing usable), 'partly' (fewer than expected, or damage) or 'found'."""
        if self.damaged and not self.found:
            return "damaged"
        return "found" if self.found >= expected and not self.damaged else "partly"


def of_one_file(check):
    """A check of a set that one damaged file makes useless: what stops the load is told."""

    @functools.wraps(check)
    def safe(root) -> Checked:
        try:
            return check(root)
        except Damaged as error:
            return Checked(0, damaged=[error])

    return safe


def content_of(images: np.ndarray) -> np.ndarray:
    """Content name of each row, (N,): equal exactly where the bytes are. SHA-1 of a row as text."""
    return np.array([hashlib.sha1(np.ascontiguousarray(image)).hexdigest() for image in images])


def repeats(content: np.ndarray, split: np.ndarray) -> dict:
    """Rows whose exact content stands elsewhere.

    content (N,) names what each row holds, split (N,) its part.
    Returns {(part, other): rows of `part` that also stand in `other`}; with part == other, the rows
    of `part` beyond the first of each group.
    """
    parts = list(dict.fromkeys(split))
    held = {p: content[split == p] for p in parts}
    out = {(p, p): len(held[p]) - len(np.unique(held[p])) for p in parts}
    out |= {(p, q): int(np.isin(held[p], held[q]).sum()) for p in parts for q in parts if p != q}
    return {k: n for k, n in out.items() if n}


def duplicates(content, split=None) -> str:
    """`repeats` as one line: '288 of Test stand in Training; 12 in Training stand there before'.

    Of two parts only the later one is counted against the earlier: those are the rows a clean test
    set loses. split   None: the set has no parts
    """
    content = np.asarray(content)
    repeated = repeats(content, np.full(len(content), "") if split is None else np.asarray(split))
    parts = list(dict.fromkeys(part for pair in repeated for part in pair))
    across = [
        f"{n} of {p or 'the set'} stand in {q}"
        for (p, q), n in repeated.items()
        if (q, p) in repeated and parts.index(p) > parts.index(q)
    ]
    inside = [
        f"{n} in {p or 'the set'} stand there before" for (p, q), n in repeated.items() if p == q
    ]
    return "; ".join(across + inside)
