"""Whole simulated data sets: `make(name, profile, seed)` gives one at the size of a profile.

The functions behind it take the sizes and the dials one by one.
"""

from emolib.data.sim.clip_sets import adfes, crema_d, ravdess, speakers
from emolib.data.sim.face_sets import (
    ckplus,
    ckplus_truth,
    fer2013,
    ferplus,
    rafd,
    rafd_truth,
    vggface,
)
from emolib.data.sim.sfew import sfew_table
from emolib.data.sim.textures import cifar100
from emolib.data.sim.track_sets import afew_va, aff_wild
from emolib.ground.errors import nearest

PROFILES = ("smoke", "quick", "overnight", "full")
# name: the function, its arguments at each of PROFILES; full has the real set's own sizes
FACES = {"count": 700}, {"count": 6000}, {"count": 12_000}, {}
WORLDS = {
    "sfew": (sfew_table, {}, {}, {}, {}),
    "fer2013": (fer2013, *FACES),
    "ferplus": (ferplus, *FACES),
    "ravdess": (
        ravdess,
        {"actors": 4, "size": 64},
        {"actors": 24, "size": 96},
        {"actors": 24, "size": 128},
        {},
    ),
    "crema_d": (
        crema_d,
        {"actors": 3, "size": 64},
        {"actors": 12, "size": 96},
        {"actors": 36, "size": 128},
        {},
    ),
    "aff_wild": (
        aff_wild,
        {"videos": 6, "seconds": (6.0, 10.0), "kind": "rendered"},
        {"videos": 24, "seconds": (8.0, 40.0), "kind": "rendered"},
        {"videos": 120, "seconds": (8.0, 40.0), "kind": "rendered"},
        {},
    ),
    "afew_va": (
        afew_va,
        {"videos": 8, "size": 48, "kind": "rendered"},
        {"videos": 60, "size": 96, "kind": "rendered"},
        {"videos": 120, "size": 96, "kind": "rendered"},
        {},
    ),
    "adfes": (
        adfes,
        {"models": 4, "size": 48, "seconds": 3.0},
        {"models": 22, "size": 96},
        {"models": 22, "size": 128},
        {},
    ),
    "ckplus": (
        ckplus,
        {"subjects": 10, "sequences": 40, "length": 4},
        {"length": 6},
        {"length": 12},
        {},
    ),
    "rafd": (
        rafd,
        {"models": 6, "gazes": ("frontal",), "yaws": (90,)},
        {"gazes": ("frontal",), "yaws": (45, 90, 135)},
        {"gazes": ("frontal",)},
        {},
    ),
    "cifar100": (
        cifar100,
        {"train": 4, "test": 2},
        {"train": 60, "test": 15},
        {"train": 100, "test": 50},
        {},
    ),
    "vggface": (
        vggface,
        {"identities": 10, "each": 6, "size": 48},
        {"identities": 60, "each": 20},
        {"identities": 100, "each": 40},
        {"identities": 500, "each": 60},
    ),
    "speakers": (
        speakers,
        {"count": 6, "each": 4},
        {"count": 40, "each": 12},
        {"count": 100, "each": 20},
        {"count": 200, "each": 40},
    ),
}


def make(name: str, profile: str = "quick", seed: int = 0, **options):
    """The simulated set `name` at the size of `profile`, one of PROFILES; `options` override.

    Raises EmolibError for an unknown set or profile, with the nearest names.
    """
    if name not in WORLDS:
        raise nearest(name, WORLDS, what="simulated set")
    if profile not in PROFILES:
        raise nearest(profile, PROFILES, what="profile")
    build, *sizes = WORLDS[name]
    return build(seed, **sizes[PROFILES.index(profile)] | options)


def truth(name: str, profile: str = "quick", seed: int = 0, **options):
    """What `make` of the same arguments draws: units (N, 19), the 68 points (N, 68, 2) in pixels.

    Raises EmolibError for a set whose truth nobody asked for yet.
    """
    known = {"ckplus": ckplus_truth, "rafd": rafd_truth}
    if name not in known:
        raise nearest(name, known, what="simulated set with its truth")
    _, *sizes = WORLDS[name]
    return known[name](seed, **sizes[PROFILES.index(profile)] | options)
