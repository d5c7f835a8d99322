"""Whole simulated data sets, and their files in the layout of the real ones.

`make(name, profile, seed)` gives a set at the size of a profile; the functions behind it take the
sizes and the dials one by one. `write(world, folder)` writes it as the holders of the real set ship
it, so that the real loaders are tested against files.
"""

from __future__ import annotations

from pathlib import Path

from emolib.data.sim import clip_sets, face_sets, glyph_sets, sfew, track_sets
from emolib.data.sim.clip_sets import adfes, crema_d, ravdess, speakers
from emolib.data.sim.dials import Dials
from emolib.data.sim.face_sets import ckplus, fer2013, ferplus, rafd, vggface
from emolib.data.sim.glyph_sets import cifar100, emnist_letters
from emolib.data.sim.sfew import sfew_table
from emolib.data.sim.track_sets import afew_va, aff_wild
from emolib.ground.errors import nearest

__all__ = [
    "Dials",
    "adfes",
    "afew_va",
    "aff_wild",
    "cifar100",
    "ckplus",
    "crema_d",
    "emnist_letters",
    "fer2013",
    "ferplus",
    "make",
    "rafd",
    "ravdess",
    "sfew_table",
    "speakers",
    "truth",
    "vggface",
    "write",
]

# name: the function, its arguments at smoke, at quick and at full (the real set's own sizes)
WORLDS = {
    "sfew": (sfew_table, {}, {}, {}),
    "fer2013": (fer2013, dict(count=700), dict(count=6000), {}),
    "ferplus": (ferplus, dict(count=700), dict(count=6000), {}),
    "ravdess": (ravdess, dict(actors=4, size=64), dict(actors=24, size=96), {}),
    "crema_d": (crema_d, dict(actors=3, size=64), dict(actors=12, size=96), {}),
    "aff_wild": (
        aff_wild,
        dict(videos=6, seconds=(6.0, 10.0), kind="rendered"),
        dict(videos=24, seconds=(8.0, 40.0), kind="rendered"),
        {},
    ),
    "afew_va": (
        afew_va,
        dict(videos=8, size=48, kind="rendered"),
        dict(videos=60, size=96, kind="rendered"),
        {},
    ),
    "adfes": (adfes, dict(models=4, size=48, seconds=3.0), dict(models=22, size=96), {}),
    "ckplus": (ckplus, dict(subjects=10, sequences=40, length=4), dict(length=6), {}),
    "rafd": (
        rafd,
        dict(models=6, gazes=("frontal",), yaws=(90,)),
        dict(gazes=("frontal",), yaws=(45, 90, 135)),
        {},
    ),
    "emnist_letters": (emnist_letters, dict(train=12, test=6), dict(train=150, test=30), {}),
    "cifar100": (cifar100, dict(train=4, test=2), dict(train=60, test=15), {}),
    "vggface": (
        vggface,
        dict(identities=10, each=6, size=48),
        dict(identities=60, each=20),
        dict(identities=500, each=60),
    ),
    "speakers": (
        speakers,
        dict(count=6, each=4),
        dict(count=40, each=12),
        dict(count=200, each=40),
    ),
}
WRITERS = {
    "sfew": sfew.write,
    "fer2013": face_sets.write_fer2013,
    "ferplus": face_sets.write_fer2013,
    "rafd": face_sets.write_rafd,
    "ckplus": face_sets.write_ckplus,
    "vggface": face_sets.write_vggface,
    "ravdess": clip_sets.write_ravdess,
    "crema_d": clip_sets.write_crema_d,
    "adfes": clip_sets.write_adfes,
    "speakers": clip_sets.write_speakers,
    "aff_wild": track_sets.write_aff_wild,
    "afew_va": track_sets.write_afew_va,
    "emnist_letters": glyph_sets.write_emnist_letters,
    "cifar100": glyph_sets.write_cifar100,
}


def make(name: str, profile: str = "quick", seed: int = 0, **options):
    """The simulated set `name` at the size of `profile` ('smoke', 'quick' or 'full'); `options` override.

    Raises EmolibError for an unknown set or profile, with the nearest names.
    """
    if name not in WORLDS:
        raise nearest(name, WORLDS, what="simulated set")
    if profile not in ("smoke", "quick", "full"):
        raise nearest(profile, ("smoke", "quick", "full"), what="profile")
    build, *sizes = WORLDS[name]
    return build(seed, **sizes[("smoke", "quick", "full").index(profile)] | options)


def truth(name: str, profile: str = "quick", seed: int = 0, **options):
    """What was drawn in the set that `make` of the same arguments gives: action units (N, 19), the 68 points (N, 68, 2) in pixels.

    Raises EmolibError for a set whose truth nobody asked for yet.
    """
    known = {"ckplus": face_sets.ckplus_truth, "rafd": face_sets.rafd_truth}
    if name not in known:
        raise nearest(name, known, what="simulated set with its truth")
    sizes = WORLDS[name][1:][("smoke", "quick", "full").index(profile)]
    return known[name](seed, **sizes | options)


def write(world, folder, **options) -> list[Path]:
    """Write `world` under `folder` in the real set's layout; returns the files.

    Raises EmolibError for a world whose name has no known layout.
    """
    if world.name not in WRITERS:
        raise nearest(world.name, WRITERS, what="world")
    return WRITERS[world.name](world, Path(folder), **options)
