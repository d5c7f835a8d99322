"""What the figures of yin2022 draw (notebook 30): measured frames and simulated pictures, no drawing here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib import data as datasets
from emolib.data.sim import clip_sets
from emolib.data.sim.clip_sets import ADFES
from emolib.metrics.scores import nearest_emotion
from emolib.reproduction import runs
from emolib.reproduction.runs.outcome import Outcome, Pictures, sources_of
from emolib.reproduction.studies.adfes import yin_plan, yin_walk
from emolib.reproduction.studies.adfes.yin import PARTS, SEEN, UNSEEN, counts, members, outcome
from emolib.reproduction.studies.adfes.yin_plan import (
    ANCHORS,
    MODELS,
    NAMES,
    PRINTED,
    ROUND,
    SAFE,
    TOLD,
    anchors,
    bodies,
    films,
    of_whom,
    order,
    people,
    plan,
    results,
    sizes,
    truth,
)

NAME = next(iter(MODELS))  # "CNN+RNN(10)": the figures show this one
TRAINED, HELD = "trained on", "held out"
ACROSS = len(NAMES)
SHOWN = 96  # pixels of a picture that appears under the pointer


@runs.once
def examples(profile: str = "quick") -> Pictures:
    """Figure 1: the last frame of ten emotions, two simulated people; the people of ADFES are not shown."""
    world = datasets.load(
        "adfes",
        source="simulated",
        profile="smoke",
        size=144,
        dials=clip_sets.Dials(fuzz_face=0.0, missing_face=0.0, label_noise=0.0),
    )
    rows = [
        i
        for p in sorted(set(world.subject))[:2]
        for i in sorted(
            np.flatnonzero(world.subject == p), key=lambda i: ADFES[EMOTIONS[world.label[i]]]
        )
    ]
    frame = pd.DataFrame(
        {
            "emotion": [ADFES[EMOTIONS[world.label[i]]] for i in rows],
            "model": world.subject[rows],
            "film": world.meta["image"].to_numpy()[rows],
        }
    )
    images = np.concatenate([clip_sets.drawn(world, i, slice(-1, None)) for i in rows])
    return Pictures(frame, profile, sources_of(world), caps={"world": "smoke"}, images=images)


@runs.once
def confusions(profile: str = "quick") -> Outcome:
    """Figure 4: confusion matrices of CNN+RNN(10) in round 2, videos, rows sum to 1; both splits."""
    rows = []
    for split in (PRINTED, SAFE):
        (m,) = [m for k, m in enumerate(members(profile, split)) if k == ROUND]
        for data in (SEEN, UNSEEN):
            found = counts(profile, NAME, range(m, m + 1), PARTS[data], "video").sum((0, 1))
            share = found / np.maximum(found.sum(1, keepdims=True), 1)
            rows += [
                {
                    "panel": data,
                    "protocol": split,
                    "true": NAMES[i],
                    "named": NAMES[j],
                    "metric": "share of the true class",
                    "measured": share[i, j],
                    "count": int(found[i, j]),
                }
                for i in range(len(NAMES))
                for j in range(len(NAMES))
            ]
    return outcome(pd.DataFrame(rows), profile)


# ---------------------------------------------------------------- Figures 5 and 7


def _points(profile: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """People -> (rows of films, points (n, T, 2)): of the people that the printed round 2 trains on, and of everybody when held out."""
    (kept,) = results(profile, NAME)
    (turned,) = results(profile, "rotation, both splits")
    n = len(truth(profile))
    trains = np.array([plan(profile)[NAME]["parts"][ROUND][who] == "t" for who in of_whom(profile)])
    held = np.isfinite(turned["held"][:n]).all((1, 2))
    return {
        TRAINED: (np.flatnonzero(trains), kept["points"][0][:n][trains]),
        HELD: (np.flatnonzero(held), turned["held"][:n][held]),
    }


def _frame(profile: str, shown: tuple[str, ...]) -> pd.DataFrame:
    """One row per frame of the films that show one of `shown`, emotion by emotion."""
    parts, names, person = [], np.array(NAMES), np.array(people(profile))[of_whom(profile)]
    for group, (rows, points) in _points(profile).items():
        true = truth(profile)[rows]
        at = [k for k in np.lexsort((rows, true)) if NAMES[true[k]] in shown]
        points, true, frames = points[at], true[at], points.shape[1]  # (n, T, 2), (n,)
        said = yin_walk.named(points, anchors().to_numpy())
        film = {
            "emotion": names[true],
            "person": person[rows[at]],
            "video": names[said["video"]],
            "right": said["video"] == true,
        }
        parts.append(
            pd.DataFrame(
                {
                    "people": group,
                    **{name: np.repeat(value, frames) for name, value in film.items()},
                    "frame": np.tile(np.arange(frames), len(at)),
                    "valence": points[..., 0].ravel().round(4),
                    "arousal": points[..., 1].ravel().round(4),
                    "named": names[said["frames"].ravel()],
                }
            )
        )
    columns = [
        "people",
        "emotion",
        "person",
        "frame",
        "valence",
        "arousal",
        "named",
        "video",
        "right",
    ]
    return pd.concat(parts, ignore_index=True)[columns]


@runs.once
def outputs(profile: str = "quick") -> Outcome:
    """Figure 5: the point of every frame by true emotion; right where the vote of its film is. Original films, no mirror images."""
    return outcome(_frame(profile, NAMES), profile)


@runs.once
def subjects(profile: str = "quick") -> Outcome:
    """Figure 7: anger and joy, everybody."""
    return outcome(_frame(profile, ("Anger", "Joy")), profile)


# ---------------------------------------------------------------- Figure 6


@runs.once
def chosen(profile: str) -> pd.DataFrame:
    """One person whom the twin-safe round 2 trains on and one whom it tests, with a film of each emotion told: people, person, film, emotion."""
    parts, rows = plan(profile)[NAME]["parts"][members(profile, SAFE)[ROUND]], []
    for group, letter in ((TRAINED, "t"), (HELD, "x")):
        for k, person in enumerate(people(profile)):
            own = {NAMES[truth(profile)[i]]: i for i in np.flatnonzero(of_whom(profile) == k)}
            if parts[k] == letter and set(TOLD) <= set(own):
                rows += [
                    {
                        "people": group,
                        "person": person,
                        "film": int(order(profile)[own[e]]),
                        "emotion": e,
                    }
                    for e in TOLD
                ]
                break
    return pd.DataFrame(rows)


@runs.once
def paths(profile: str = "quick") -> Outcome:
    """Figure 6: whole films of the people in `chosen` as paths of CNN+RNN(10)."""
    s, table = sizes(profile), chosen(profile)
    results(profile, NAME)
    look = {
        "data": datasets.reference(films(profile)),
        "clips": table.film.tolist(),
        "last": None,
        "stride": s.stride,
        "side": s.side,
        "every": s.every,
    }
    (found,) = runs.map(
        yin_walk.whole,
        [
            {
                "look": look,
                "cnn": bodies(profile)[ANCHORS],
                "walk": plan(profile)[NAME],
                "member": members(profile, SAFE)[ROUND],
            }
        ],
        label="whole films",
    )
    parts, points = [], anchors().to_numpy()
    for row, path in zip(
        table.itertuples(), np.split(found["points"], np.cumsum(found["counts"])[:-1])
    ):
        frames = np.arange(len(path)) * s.stride
        parts.append(
            pd.DataFrame(
                {
                    "people": row.people,
                    "person": row.person,
                    "emotion": row.emotion,
                    "frame": frames,
                    "second": frames / films(profile).fps,
                    "valence": path[:, 0],
                    "arousal": path[:, 1],
                    "named": [NAMES[i] for i in nearest_emotion(path, points)],
                }
            )
        )
    return outcome(pd.concat(parts), profile)


@dataclass(frozen=True)
class Walk:
    """One path with a picture of each of its points: what the interactive figure moves along."""

    frame: pd.DataFrame
    images: np.ndarray
    anchors: pd.DataFrame
    title: str
    source: str


@runs.once
def walk(
    profile: str = "quick", emotion: str = "Contempt", group: str = HELD, every: int = 3
) -> Walk:
    """The path of one film of `paths`, every n-th of its points with the frame that it stands for.

    Pictures of a real film are read from the reader's own copy, for the reader's own screen; no file of the results holds them.
    """
    table, told = chosen(profile), paths(profile).frame
    (row,) = table[(table.emotion == emotion) & (table.people == group)].itertuples()
    path = told[(told.emotion == emotion) & (told.people == group)].iloc[::every]
    world, at = films(profile), path.frame.to_numpy()
    if world.source == "simulated":
        world = datasets.load("adfes", source="simulated", profile=profile, size=SHOWN)
        images = clip_sets.drawn(world, row.film, at)
    else:
        from emolib.features.landmarks import crops

        frames = world.frames[row.film]()[at]
        height, width = frames.shape[1:3]
        left = (width - height) / 2
        images = crops(
            frames,
            np.tile(np.float32([left, 0, left + height, height]), (len(frames), 1)),
            margin=0,
            size=SHOWN,
        )
    return Walk(
        path,
        images,
        anchors(),
        f"{row.person}, {emotion.lower()}, {group}",
        yin_plan.films(profile).source,
    )
