"""The network that `emolib trace` uses: that of notebook 30, from the run store, or trained now (CNN+RNN(10), twin-safe round 2)."""

from __future__ import annotations

import sys

import numpy as np

from emolib.reproduction import runs
from emolib.reproduction.cli.trace import Network
from emolib.reproduction.studies.adfes import yin_faces, yin_plan, yin_walk
from emolib.reproduction.studies.adfes.yin_plan import (
    ANCHORS,
    MODELS,
    ROUND,
    SAFE,
    anchors,
    films,
    plan,
    results,
    sizes,
)

NAME = next(iter(MODELS))


def network(profile: str = "quick") -> Network:
    """Ready to be used; what is not in the store is trained first, under the progress bars of its runs."""
    s = sizes(profile)
    if not stored(profile):
        print(
            f"emolib: notebook 30 has not run at {profile} yet; training its network once, under a minute at quick",
            file=sys.stderr,
        )
    (found,) = results(profile, NAME)
    trained = yin_plan.ground(profile, ANCHORS)
    member = s.rounds + ROUND
    net, cnn = yin_walk.alone(found, plan(profile)[NAME], member), yin_faces.body(trained)
    scale = np.float32(trained["scale"])
    return Network(
        describe=lambda faces: yin_faces.features_of(cnn, faces) / scale,
        net=net,
        side=s.side,
        length=plan(profile)[NAME]["length"],
        pace=films(profile).fps / s.stride,
        anchors=anchors(),
        about=f"{NAME}, {SAFE}, {profile}, trained on {films(profile).source} films",
    )


def stored(profile: str) -> bool:
    """Does the run store hold this network?"""
    return runs.stored(yin_walk.walk, plan(profile)[NAME])
