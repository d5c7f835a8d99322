"""Notebook 02: a trap in real data, and the simulated world; pictures of people are its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib import data as datasets
from emolib.data.checks import content_of, repeats
from emolib.data.sim import affect, clip_sets, face, gallery, track_sets, voice
from emolib.data.sim.dials import Dials
from emolib.reproduction import runs
from emolib.reproduction.runs import Outcome, Pictures, part
from emolib.reproduction.studies.signals.plan import SIMULATED


@dataclass(frozen=True)
class Sizes:
    """What the notebook looks at; all sets by their own loaders."""

    size: int  # pixels of a drawn face
    pictures: int  # of a set that is drawn for comparison
    seconds: float  # of the annotated videos
    world: str  # size of the stand-ins
    leak: float | None = None  # share of FER2013's stand-in's test that shows people of training
    speaker: int = 0  # whose voice is heard


class Study(runs.Study):
    """The data at hand and the world beside it."""

    SIZES = {
        "smoke": Sizes(48, 300, 8.0, "smoke"),
        "quick": Sizes(72, 2000, 30.0, "quick"),
        "overnight": Sizes(128, 3589, 60.0, "quick"),
        "full": Sizes(128, 3589, 60.0, "quick"),
    }

    @part
    def fer2013(self):
        """The real set where it is at hand; the stand-in otherwise, or where `leak` is set."""
        leak = self.sizes.leak
        if leak is None and datasets.at_hand("fer2013"):
            return datasets.load("fer2013", source="real")
        options = {} if leak is None else {"dials": Dials(leak=leak)}
        options |= {"profile": self.sizes.world, "count": self.sizes.pictures}
        return datasets.load("fer2013", source="simulated", **options)

    def videos(self, name: str):
        """A simulated set of annotated videos."""
        return datasets.load(name, source="simulated", profile=self.sizes.world)

    def drawn(self, world, k: int, at) -> tuple[np.ndarray, np.ndarray]:
        """Pictures (N, H, W, 3) and 68 points (N, 68, 2) of video `k` at the frames `at`."""
        film = track_sets.film(world, k).take(np.asarray(at))
        return face.render(film, self.sizes.size), face.points(film, self.sizes.size)


# ---------------------------------------------------------------- what is at hand, and its traps


def access() -> pd.DataFrame:
    """Who grants access to each set, on what terms, and what it is for."""
    return datasets.doctor(deep=False)[["set", "state", "MB", "licence", "access", "used for"]]


def duplicates(study: Study) -> Outcome:
    """Pictures of FER2013 that stand twice, pixel by pixel, by part."""
    return study.outcome(repeated(study.fer2013), sources=(study.fer2013,))


def repeated(data) -> pd.DataFrame:
    """Pictures of one part that stand in another part too (or twice in their own): counts."""
    content = content_of(data.images)
    counts, parts = repeats(content, data.split), list(dict.fromkeys(data.split))
    rows = []
    for p in parts:
        for q in parts:
            both = "pictures that stand in both"
            metric = both if p != q else "pictures beyond the first of their kind"
            rows.append((p, q, metric, counts.get((p, q), 0)))
    labelled = pd.DataFrame({"content": content, "label": data.label}).drop_duplicates()
    several = int((labelled.groupby("content").size() > 1).sum())
    rows.append(("any", "any", "distinct pictures with more than one label", several))
    frame = pd.DataFrame(rows, columns=["part", "other", "metric", "measured"])
    return frame.assign(unit="count")


# ---------------------------------------------------------------- the world


def speech_frames(study: Study) -> Pictures:
    """Four moments of one simulated speech film of each emotion, two actors in turn."""
    options = {"profile": "smoke", "modality": "av", "size": study.sizes.size}
    world = datasets.load("ravdess", source="simulated", **options)
    images, rows, moments = [], [], (0.3, 1.2, 1.9, 3.0)
    for k, label in enumerate(np.unique(world.label)):
        ours = (world.label == label) & (world.subject == f"Actor_{k % 2 + 1:02d}")
        row = np.flatnonzero(ours)[-1]
        images.append(clip_sets.drawn(world, row, [int(t * world.fps) for t in moments]))
        clip = (world.subject[row], world.meta["image"].iloc[row])
        rows += [(EMOTIONS[label], f"{second:.1f} s", *clip) for second in moments]
    frame = pd.DataFrame(rows, columns=["emotion", "second", "actor", "clip"])
    return study.outcome(frame, Pictures, sources=(world,), images=np.concatenate(images))


def video_frames(study: Study) -> Pictures:
    """One frame of each of twelve simulated videos in the wild, with what was annotated there."""
    world, images, rows = study.videos("aff_wild"), [], []
    for k in range(min(12, len(world))):
        at = len(world.valence_arousal[k]) // 2
        images.append(study.drawn(world, k, [at])[0])
        valence, arousal = world.valence_arousal[k][at]
        shown = f"{valence:+.1f} / {arousal:+.1f}"
        rows.append((world.meta.video.iloc[k], at / world.fps, valence, arousal, shown))
    frame = pd.DataFrame(rows, columns=["video", "second", "valence", "arousal", "shown"])
    return study.outcome(frame, Pictures, sources=(world,), images=np.concatenate(images))


def landmarks_on_video(study: Study) -> Pictures:
    """Eight frames of one simulated video with their 68 true points."""
    world = study.videos("afew_va")
    at = np.linspace(0, len(world.valence_arousal[0]) - 1, 8).astype(int)
    images, points = study.drawn(world, 0, at)
    tiles = pd.DataFrame({"second": [f"{t / world.fps:.1f} s" for t in at]})
    frame = pd.DataFrame(points.reshape(-1, 2), columns=["x", "y"])
    frame.insert(0, "second", np.repeat(tiles.second.to_numpy(), 68))
    frame.insert(1, "point", np.tile(np.arange(68), 8))
    pictures = {"images": images, "points": points, "tiles": tiles}
    return study.outcome(frame, Pictures, sources=(world,), **pictures)


def annotated_video(study: Study) -> Pictures:
    """Six frames of one simulated video, and its valence and arousal over time."""
    world = study.videos("afew_va")
    k = int(np.argmax([len(track) for track in world.valence_arousal]))
    track = world.valence_arousal[k][: int(study.sizes.seconds * world.fps)]
    at = np.linspace(0, len(track) - 1, 6).astype(int)
    second = np.arange(len(track)) / world.fps
    tracks = [
        pd.DataFrame({"second": second, "axis": axis, "measured": track[:, j]})
        for j, axis in enumerate(("valence", "arousal"))
    ]
    pictures = {
        "images": study.drawn(world, k, at)[0],
        "tiles": pd.DataFrame({"second": at / world.fps}),
    }
    return study.outcome(pd.concat(tracks), Pictures, sources=(world,), **pictures)


def voices(study: Study) -> dict[str, np.ndarray]:
    """One clip per emotion of one simulated speaker: float32 (56000,) at 16 kHz each."""
    return gallery.voice_examples(speaker=study.sizes.speaker)


def joystick(study: Study) -> Outcome:
    """What was felt, and what three raters' joysticks made of it: smooth, usual and rough."""
    frame = gallery.annotation_tracks(seconds=study.sizes.seconds)
    names = {"0": "roughness 0", "0.3": "roughness 0.3 (default)", "1": "roughness 1"}
    frame["what"] = frame.what.replace(names)
    return study.outcome(frame.rename(columns={"value": "measured"}), sources=(SIMULATED,))


def dial_table() -> pd.DataFrame:
    """The dials of a world, their defaults and what each turns."""
    return gallery.dial_table()


def speeds(study: Study) -> pd.DataFrame:
    """What a second buys on this machine."""
    return gallery.speeds(100 if study.profile == "smoke" else 400)


def cues() -> pd.DataFrame:
    """The table behind the voices: what each emotion does to pitch, rate, loudness and tilt."""
    names = (
        "pitch (semitones)",
        "range (factor)",
        "final rise (semitones)",
        "rate (factor)",
        "loudness (dB)",
        "tilt (dB/octave)",
        "breathiness",
        "jitter",
    )
    return pd.DataFrame(voice.CUES, index=names).T.rename_axis("emotion").reset_index()


def prototypes() -> pd.DataFrame:
    """The table behind the faces: action units of each emotion at its apex."""
    rows = []
    for emotion, units in affect.PROTOTYPES.items():
        shown = ", ".join(f"{unit} ({strength:g})" for unit, strength in units.items())
        rows.append({"emotion": emotion, "action units": shown or "none"})
    return pd.DataFrame(rows)
