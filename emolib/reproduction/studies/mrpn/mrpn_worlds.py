"""Worlds in which one thing is wrong with one modality, made from clean clips by exchanging faces and voices (notebook 44).

The thesis's mechanism is about patterns that do not fit: fuzzy ones, missing ones, pairs that do not belong together (5.1.2, 5.3.4). A
clip whose face is fuzzy takes its face from another clip of the same actor that shows what the simulator's dials
(sim.dials.displays) say it shows. Nothing is drawn again, so hundreds of worlds cost what five do, and real clips could be used alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from emolib.data.sim.clip_sets import CLIPS
from emolib.data.sim.dials import Dials, displays, noisy
from emolib.data.sim.streams import stream
from emolib.ground.errors import EmolibError, nearest
from emolib.reproduction.studies.mrpn.mrpn_features import Bank
from emolib.reproduction.studies.mrpn.mrpn_networks import Job

CLEAN = Dials(
    fuzz_face=0.0, fuzz_voice=0.0, label_noise=0.0, missing_face=0.0
)  # of the clips that are exchanged
# What is swept: fuzz_* and missing_* hold for every clip, mismatched_* and label_noise for training clips alone.
FACE_DIALS, VOICE_DIALS = (
    ("fuzz_face", "missing_face", "mismatched_face"),
    ("fuzz_voice", "missing_voice", "mismatched_voice"),
)
OTHERS = ("complementarity", "label_noise")
SWEPT = (*FACE_DIALS, *VOICE_DIALS, *OTHERS)


@dataclass(frozen=True)
class Setting:
    """One dial turned to `level`, the others as clip_sets.CLIPS has them; dial '' for a world where nothing is turned."""

    dial: str = ""
    level: float = 0.0

    def __post_init__(self):
        if self.dial and self.dial not in SWEPT:
            raise nearest(self.dial, SWEPT, what="dial of a fusion world")
        if not 0 <= self.level <= 1:
            raise EmolibError(f"dial '{self.dial}' is {self.level}, expected 0 to 1")

    @property
    def dials(self) -> Dials:
        """What the simulator's own dials are then."""
        base = replace(CLIPS, mismatched=0.0, label_noise=0.0)
        return (
            replace(base, **{self.dial: self.level})
            if self.dial.startswith("fuzz") or self.dial == "complementarity"
            else base
        )

    def share(self, dial: str) -> float:
        """The level of `dial`: this one's if it is the one that is turned, else 0."""
        return self.level if self.dial == dial else 0.0


def jobs(
    bank: Bank,
    seed: int,
    setting: Setting,
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
    first: int = 0,
) -> list[Job]:
    """A Job for each of `parts` (train, validation, test rows of the bank) in the world `seed` with this setting.

    first    the bank's first row in a larger one that it is part of
    """
    count, classes = len(bank.label), int(bank.label.max()) + 1
    shown = displays(seed, bank.label, classes, setting.dials)
    clean = {m: donors(bank, shown[m], seed, m) for m in ("face", "voice")}
    for m, rows in clean.items():
        gone = stream(seed, "fusion", "missing", m).random(count) < setting.share(f"missing_{m}")
        clean[m] = np.where(gone, bank.blank, rows)
    dirty = {}
    for m, rows in clean.items():  # training pairs that do not belong together
        swapped = stream(seed, "fusion", "mismatched", m).random(count) < setting.share(
            f"mismatched_{m}"
        )
        other = (
            bank.label + stream(seed, "fusion", "mismatched to", m).integers(1, classes, count)
        ) % classes
        dirty[m] = np.where(swapped, donors(bank, other, seed, m), rows)
    told = noisy(seed, bank.label, classes, setting.share("label_noise"), "fusion")
    out = []
    for k, (train, validation, test) in enumerate(parts):
        learnt = np.zeros(count, bool)
        learnt[train] = True
        face, sound = (np.where(learnt, dirty[m], clean[m]) + first for m in ("face", "voice"))
        out.append(
            Job(
                face,
                sound,
                np.where(learnt, told, bank.label),
                bank.label,
                train,
                validation,
                test,
                seed=97 * seed + k,
            )
        )
    return out


def donors(bank: Bank, shown: np.ndarray, seed: int, modality: str) -> np.ndarray:
    """Row (N,) of a clip of the same actor that is of class `shown` (N,), of the same strength if there is one; the clip itself where it shows its own."""
    u = stream(seed, "fusion", "donor", modality).random(len(shown))
    rows = np.arange(len(shown))
    for i in np.flatnonzero(shown != bank.label):
        fits = (bank.subject == bank.subject[i]) & (bank.label == shown[i])
        alike = np.flatnonzero(fits & (bank.strength == bank.strength[i]))
        found = alike if len(alike) else np.flatnonzero(fits)
        if not len(found):
            raise EmolibError(
                f"{bank.subject[i]} has no clip of class {shown[i]} to exchange with; load every emotion of every actor"
            )
        rows[i] = found[int(u[i] * len(found))]
    return rows


def thirds(bank: Bank, folds: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """`folds` splits by actor: every `folds`-th actor is tested, the next ones in turn decide (half as many), the others train."""
    actors = np.unique(bank.subject)
    if len(actors) < 3 * folds // 2 + 1:
        raise EmolibError(
            f"{len(actors)} actors cannot fill {folds} folds with somebody left to decide"
        )
    where = np.searchsorted(actors, bank.subject)
    out = []
    for k in range(folds):
        test = where % folds == k
        decide = (where % folds == (k + 1) % folds) & (where // folds % 2 == 0)
        out.append((np.flatnonzero(~test & ~decide), np.flatnonzero(decide), np.flatnonzero(test)))
    return out


def joined(banks: list[Bank]) -> tuple[Bank, list[int]]:
    """Several banks as one, and the first row of each. Every bank keeps its blank row, as the last of its rows."""
    put = lambda name: np.concatenate([getattr(b, name) for b in banks])  # noqa: E731
    sizes = [len(b.face) for b in banks]
    return Bank(
        **{f: put(f) for f in ("face", "sound", "label", "subject", "clip", "strength")}
    ), list(np.cumsum(sizes) - sizes)
