"""What the figures of yin2022 draw (notebook 30): measured frames and simulated pictures."""

from __future__ import annotations

import numpy as np
import pandas as pd

from emolib import EMOTIONS, metrics
from emolib import data as datasets
from emolib.data.sim import clip_sets
from emolib.data.sim.clip_sets import ADFES
from emolib.features.landmarks import crops
from emolib.reproduction import runs
from emolib.reproduction.runs import Outcome, Pictures, held
from emolib.reproduction.studies.adfes import training
from emolib.reproduction.studies.adfes.plan import NAME, NAMES, ROUND, SAFE, SPLITS, anchors
from emolib.reproduction.studies.adfes.tables import PARTS, counts, named

TRAINED, HELD = "trained on", "held out"
TOLD = ("Anger", "Contempt", "Joy", "Sadness")  # emotions whose single films become paths (Fig. 6)
ACROSS = len(NAMES)
SHOWN = 96  # pixels of a picture that appears under the pointer


@held
def examples(study) -> Pictures:
    """Figure 1: the last frame of ten emotions, two simulated people: ADFES's are not shown."""
    dials = clip_sets.Dials(fuzz_face=0.0, missing_face=0.0, label_noise=0.0)
    world = datasets.load("adfes", source="simulated", profile="smoke", size=144, dials=dials)
    emotion = np.array([ADFES[EMOTIONS[k]] for k in world.label])
    rows = np.lexsort((emotion, world.subject))[: 2 * ACROSS]
    frame = pd.DataFrame(
        {
            "emotion": emotion[rows],
            "model": world.subject[rows],
            "film": world.meta["image"].to_numpy()[rows],
        }
    )
    images = np.concatenate([clip_sets.drawn(world, i, slice(-1, None)) for i in rows])
    about = {"sources": (world,), "seeds": (), "caps": {"world": "smoke"}}
    return study.outcome(frame, Pictures, images=images, **about)


@held
def confusions(study) -> Outcome:
    """Figure 4: confusion matrices of CNN+RNN(10) in round 2, videos, under both splits."""
    rows = []
    for split in SPLITS:
        for data, part in PARTS.items():
            cells = counts(study, NAME, [study.members(split)[ROUND]], part, "video").sum((0, 1))
            rows += metrics.confusion_rows(cells, NAMES, panel=data, protocol=split)
    return study.outcome(pd.DataFrame(rows))


@held
def points(study, shown: tuple[str, ...] = NAMES) -> Outcome:
    """Figures 5 and 7: the point of every frame by true emotion; right where its film's vote is.

    Original films, no mirror images: of the people that the printed round 2 trains on, and of
    everybody when held out.
    """
    name, members = study.rotations["(10)"]
    letters = np.array([list(study.grid[name]["parts"][m]) for m in members])[:, study.person]
    tester = np.array(members)[(letters == "x").argmax(0)]  # (N,)
    trains = np.array(list(study.grid[NAME]["parts"][ROUND]))[study.person] == "t"
    names, parts = np.array(NAMES), []
    for group, ensemble, member, among in (
        (TRAINED, NAME, np.full(len(tester), ROUND), trains),
        (HELD, name, tester, tester >= 0),
    ):
        rows = np.flatnonzero(among & np.isin(names[study.truth], shown))
        rows = rows[np.argsort(study.truth[rows], kind="stable")]
        true, path = study.truth[rows], study.result(ensemble)["points"][member[rows], rows]
        frames, answers = path.shape[1], named(path)
        part = {
            "people": group,
            "emotion": np.repeat(names[true], frames),
            "person": np.repeat(np.array(study.people)[study.person[rows]], frames),
            "frame": np.tile(np.arange(frames), len(rows)),
            "valence": path[..., 0].ravel().round(4),
            "arousal": path[..., 1].ravel().round(4),
            "named": names[answers["frame"].ravel()],
            "video": np.repeat(names[answers["video"][:, 0]], frames),
            "right": np.repeat(answers["video"][:, 0] == true, frames),
        }
        parts.append(pd.DataFrame(part))
    return study.outcome(pd.concat(parts))


@held
def chosen(study) -> pd.DataFrame:
    """Whose films become paths: people, person, film, emotion.

    One person whom the twin-safe round 2 trains on and one whom it tests, with every emotion told.
    """
    letters, rows = study.grid[NAME]["parts"][study.members(SAFE)[ROUND]], []
    for group, letter in ((TRAINED, "t"), (HELD, "x")):
        for k, person in enumerate(study.people):
            films = np.flatnonzero(study.person == k)
            own = {NAMES[study.truth[i]]: study.order[i] for i in films}
            if letters[k] == letter and set(TOLD) <= set(own):
                about = {"people": group, "person": person}
                rows += [about | {"film": own[name], "emotion": name} for name in TOLD]
                break
    return pd.DataFrame(rows)


@held
def paths(study) -> Outcome:
    """Figure 6: whole films of the people in `chosen` as paths of CNN+RNN(10)."""
    table = chosen(study)
    study.result(NAME)
    run = {
        "faces": study.faces(table.film, last=None),
        "cnn": study.features["cnn"],
        "networks": study.grid[NAME],
        "member": study.members(SAFE)[ROUND],
    }
    (walked,) = runs.map(training.whole, [run], label="whole films")
    parts = []
    films = np.split(walked["points"], np.cumsum(walked["counts"])[:-1])
    for row, path in zip(table.itertuples(), films):
        frames = np.arange(len(path)) * study.sizes.stride
        named = metrics.nearest_emotion(path, anchors().to_numpy())
        part = {
            "people": row.people,
            "person": row.person,
            "emotion": row.emotion,
            "frame": frames,
            "second": frames / study.films.fps,
            "valence": path[:, 0],
            "arousal": path[:, 1],
            "named": np.array(NAMES)[named],
        }
        parts.append(pd.DataFrame(part))
    return study.outcome(pd.concat(parts))


def walk(study, emotion: str = "Contempt", group: str = HELD) -> dict:
    """What plots.moving takes: the path of one film of `paths`, every third point with its frame.

    Pictures of a real film are read from the reader's own copy, for the reader's own screen; no
    file of the results holds them.
    """
    table, path = (
        frame[(frame.emotion == emotion) & (frame.people == group)]
        for frame in (chosen(study), paths(study).frame)
    )
    (row,), path = table.itertuples(), path.iloc[::3]
    at, source = path.frame.to_numpy(), study.films.source
    if source == "simulated":
        images = clip_sets.drawn(study.load(size=SHOWN), row.film, at)
    else:
        frames = study.films.frames[row.film]()[at]
        height, width = frames.shape[1:3]
        left = (width - height) / 2
        box = np.float32([left, 0, left + height, height])
        images = crops(frames, np.tile(box, (len(frames), 1)), margin=0, size=SHOWN)
    title = f"{row.person}, {emotion.lower()}, {group}"
    return {"path": path, "images": images, "anchors": anchors(), "title": title, "source": source}
