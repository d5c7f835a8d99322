"""Notebook 02: the data at hand with its traps, and the simulated world beside it. Pictures of people are the simulator's."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from emolib import EMOTIONS, metrics
from emolib import data as datasets
from emolib.data.checks import content_of, repeats
from emolib.data.sim import affect, clip_sets, face, gallery, track_sets, voice
from emolib.features import mel
from emolib.ground.errors import nearest
from emolib.reproduction import runs
from emolib.reproduction.runs.outcome import Outcome, Pictures, sources_of
from emolib.reproduction.studies.signals.features import SIMULATED, spectrogram_rows


@dataclass(frozen=True)
class Sizes:
    """What the notebook looks at; all sets by their own loaders."""

    size: int  # pixels of a drawn face
    people: int  # columns of the sheet of expressions
    clips: int  # clips a class, for loudness
    pictures: int  # of a set, for grey levels and contrast
    seconds: float  # of the annotated videos
    world: str  # size of the stand-ins drawn for comparison


SIZES = {
    "smoke": Sizes(48, 3, 4, 300, 8.0, "smoke"),
    "quick": Sizes(72, 7, 24, 2000, 30.0, "quick"),
    "full": Sizes(128, 7, 96, 3589, 60.0, "quick"),
}
COMPARED = ("sfew", "fer2013", "ravdess")  # sets whose real files may lie beside their stand-ins


def _sizes(profile: str) -> Sizes:
    if profile not in SIZES:
        raise nearest(profile, SIZES, what="profile")
    return SIZES[profile]


def _outcome(frame, profile, *sets, kind=Outcome, **more):
    caps = {k: v for k, v in asdict(_sizes(profile)).items()}
    return kind(frame, profile=profile, sources=sources_of(*sets), caps=caps, **more)


@runs.once
def _pair(name: str, profile: str) -> tuple:
    """The stand-in of a set and, where its files are at hand, the set itself."""
    options = {"modality": "a"} if name == "ravdess" else {}
    small = {"count": _sizes(profile).pictures} if name == "fer2013" else {}
    stand_in = datasets.load(
        name, source="simulated", profile=_sizes(profile).world, **options, **small
    )
    here = datasets.at_hand(name)
    return (stand_in, datasets.load(name, source="real", **options)) if here else (stand_in,)


# ---- what is at hand, and its traps


def doctor() -> pd.DataFrame:
    """Every file of every set at hand opened and counted."""
    return datasets.doctor()[
        ["set", "state", "found", "expected", "detail", "duplicates", "damaged"]
    ]


def access() -> pd.DataFrame:
    """Who grants access to each set, on what terms, and what it is for."""
    return datasets.doctor(deep=False)[["set", "state", "MB", "licence", "access", "used for"]]


@runs.once
def duplicates(profile: str) -> Outcome:
    """Pictures of one part of FER2013 whose every pixel stands in another part too (or twice in its own)."""
    data = _pair("fer2013", profile)[-1]
    content = content_of(data.images)
    found = repeats(content, data.split)
    parts = list(dict.fromkeys(data.split))
    rows = [
        (
            p,
            q,
            "pictures that stand in both" if p != q else "pictures beyond the first of their kind",
            found.get((p, q), 0),
        )
        for p in parts
        for q in parts
    ]
    twice = (
        pd.DataFrame({"content": content, "label": data.label})
        .drop_duplicates()
        .content.duplicated(keep=False)
    )
    labels = (
        pd.DataFrame({"content": content, "label": data.label})
        .drop_duplicates()[twice]
        .content.nunique()
    )
    frame = pd.DataFrame(
        [*rows, ("any", "any", "distinct pictures with more than one label", labels)],
        columns=["part", "other", "metric", "measured"],
    )
    return _outcome(frame.assign(unit="count"), profile, data)


@runs.once
def class_shares(profile: str) -> Outcome:
    """Share of each emotion in the sets that are at hand, and in their stand-ins."""
    rows, used = [], []
    for name in COMPARED:
        for data in _pair(name, profile):
            present = [k for k in range(len(EMOTIONS)) if (data.label == k).any()]
            rows += [
                (
                    name,
                    data.source,
                    EMOTIONS[k],
                    np.mean(data.label == k),
                    int((data.label == k).sum()),
                )
                for k in present
            ]
            used.append(data)
    frame = pd.DataFrame(rows, columns=["set", "data", "emotion", "measured", "count"])
    return _outcome(
        frame, profile, *used[::-1]
    )  # where both stand in one figure the badge is the stand-in's


@runs.once
def grey_levels(profile: str) -> Outcome:
    """How bright and how contrasted the pictures of FER2013 and of its stand-in are: shares over the mean and spread of each."""
    rows, pair = [], _pair("fer2013", profile)
    for data in pair:
        images = data.images[: _sizes(profile).pictures].reshape(-1, 48 * 48).astype(np.float32)
        for what, values, top in (
            ("mean grey level of a picture", images.mean(1), 255),
            ("spread of grey levels in a picture", images.std(1), 110),
        ):
            share, edges = np.histogram(values, bins=22, range=(0, top))
            rows += [
                (what, data.source, at, n / len(values))
                for at, n in zip((edges[1:] + edges[:-1]) / 2, share)
            ]
    return _outcome(
        pd.DataFrame(rows, columns=["statistic", "data", "at", "measured"]), profile, *pair[::-1]
    )


@runs.once
def loudness(profile: str) -> Outcome:
    """Loudness of each emotion against the speaker's own neutral, decibels, with an interval over speakers."""
    rows, pair, each = [], _pair("ravdess", profile), _sizes(profile).clips
    for data in pair:
        keep = np.sort(
            np.concatenate(
                [
                    np.flatnonzero(data.label == k)[:: max(1, (data.label == k).sum() // each)][
                        :each
                    ]
                    for k in np.unique(data.label)
                ]
            )
        )
        level = np.array([_level(data.waveform[i]()) for i in keep])
        table = pd.DataFrame(
            {
                "level": level,
                "subject": data.subject[keep],
                "emotion": [EMOTIONS[k] for k in data.label[keep]],
            }
        )
        own = table[table.emotion == "neutral"].groupby("subject")["level"].mean()
        table = table[table.subject.isin(own.index)]
        table["level"] -= table.subject.map(own)
        for emotion, part in table.groupby("emotion", sort=False):
            several = part.subject.nunique() > 1
            low, high = (
                metrics.bootstrap_ci(part.level.to_numpy(), part.subject.to_numpy())[1:]
                if several
                else (np.nan, np.nan)
            )
            rows.append((data.source, emotion, part.level.mean(), low, high))
    frame = pd.DataFrame(rows, columns=["data", "emotion", "measured", "low", "high"])
    return _outcome(frame.sort_values(["emotion", "data"], kind="stable"), profile, *pair[::-1])


def _level(wave: np.ndarray) -> float:
    """Level of the loudest quarter of 25 ms frames, dB re full scale: what is heard of a clip with silent ends."""
    frames = wave[: len(wave) // 400 * 400].reshape(-1, 400)
    power = np.sort((frames.astype(np.float64) ** 2).mean(1))[-len(frames) // 4 :]
    return 10 * np.log10(power.mean() + 1e-12)


# ---- the world


@runs.once
def expressions(profile: str) -> Pictures:
    """Eight emotions at their apex (rows) on as many people as the profile says (columns)."""
    s = _sizes(profile)
    images, frame = gallery.expressions(people=s.people, size=s.size)
    return Pictures(frame, profile, sources=SIMULATED, caps=asdict(_sizes(profile)), images=images)


@runs.once
def speech_frames(profile: str) -> Pictures:
    """Four moments of one simulated speech film of each emotion, two actors in turn."""
    world = datasets.load(
        "ravdess", source="simulated", profile="smoke", modality="av", size=_sizes(profile).size
    )
    images, rows = [], []
    for k, emotion in enumerate(e for e in EMOTIONS if (world.label == EMOTIONS.index(e)).any()):
        row = np.flatnonzero(
            (world.label == EMOTIONS.index(emotion)) & (world.subject == f"Actor_{k % 2 + 1:02d}")
        )[-1]
        moments = (0.3, 1.2, 1.9, 3.0)
        images.append(clip_sets.drawn(world, row, [int(t * world.fps) for t in moments]))
        for second in moments:
            rows.append(
                (emotion, f"{second:.1f} s", world.subject[row], world.meta["image"].iloc[row])
            )
    frame = pd.DataFrame(rows, columns=["emotion", "second", "actor", "clip"])
    return _outcome(frame, profile, world, kind=Pictures, images=np.concatenate(images))


def _films(name: str, profile: str):
    world = datasets.load(name, source="simulated", profile=_sizes(profile).world)
    return world, lambda k, at, size: _drawn(world, k, at, size)


def _drawn(world, k: int, at: np.ndarray, size: int):
    """Pictures (N, size, size, 3) and 68 points (N, 68, 2) of video `k` at the frames `at`."""
    film = track_sets.film(world, k).take(np.asarray(at))
    return face.render(film, size), face.points(film, size)


@runs.once
def video_frames(profile: str, name: str = "aff_wild") -> Pictures:
    """One frame of each of twelve simulated videos in the wild, with what was annotated there."""
    s, (world, draw) = _sizes(profile), _films(name, profile)
    images, rows = [], []
    for k in range(min(12, len(world))):
        at = len(world.valence_arousal[k]) // 2
        picture, _ = draw(k, [at], s.size)
        valence, arousal = world.valence_arousal[k][at]
        images.append(picture[0])
        rows.append(
            (
                world.meta.video.iloc[k],
                at / world.fps,
                valence,
                arousal,
                f"{valence:+.1f} / {arousal:+.1f}",
            )
        )
    return _outcome(
        pd.DataFrame(rows, columns=["video", "second", "valence", "arousal", "shown"]),
        profile,
        world,
        kind=Pictures,
        images=np.stack(images),
    )


@runs.once
def landmarks_on_video(profile: str, name: str = "afew_va") -> Pictures:
    """Eight frames of one simulated video with their 68 true points."""
    s, (world, draw) = _sizes(profile), _films(name, profile)
    at = np.linspace(0, len(world.valence_arousal[0]) - 1, 8).astype(int)
    images, points = draw(0, at, s.size)
    second = [f"{t / world.fps:.1f} s" for t in at]
    frame = pd.DataFrame(
        [(t, j, x, y) for t, p in zip(second, points) for j, (x, y) in enumerate(p)],
        columns=["second", "point", "x", "y"],
    )
    return _outcome(
        frame,
        profile,
        world,
        kind=Pictures,
        images=images,
        points=points,
        tiles=pd.DataFrame({"second": second}),
    )


@runs.once
def annotated_video(profile: str, name: str = "afew_va") -> Pictures:
    """Six frames of one simulated video, and its valence and arousal over time."""
    s, (world, draw) = _sizes(profile), _films(name, profile)
    k = int(np.argmax([len(v) for v in world.valence_arousal]))
    track = world.valence_arousal[k][: int(s.seconds * world.fps)]
    at = np.linspace(0, len(track) - 1, 6).astype(int)
    second = np.arange(len(track)) / world.fps
    tracks = pd.concat(
        [
            pd.DataFrame({"second": second, "axis": axis, "measured": track[:, j]})
            for j, axis in enumerate(("valence", "arousal"))
        ]
    )
    return _outcome(
        tracks,
        profile,
        world,
        kind=Pictures,
        images=draw(k, at, s.size)[0],
        tiles=pd.DataFrame({"second": at / world.fps}),
    )


def voices(profile: str, speaker: int = 0) -> dict[str, np.ndarray]:
    """One clip per emotion of one simulated speaker, to listen to: float32 (56000,) at 16 kHz each."""
    return gallery.voice_examples(speaker=speaker)


@runs.once
def voice_spectrograms(profile: str) -> Outcome:
    """The same clips as mel spectrograms."""
    parts = [
        spectrogram_rows(emotion, mel.log_mel(wave, 16_000, bands=48), 16_000, 512, every=3)
        for emotion, wave in voices(profile).items()
    ]
    return Outcome(
        pd.concat(parts, ignore_index=True),
        profile,
        sources=SIMULATED,
        caps=asdict(_sizes(profile)),
    )


@runs.once
def joystick(profile: str) -> Outcome:
    """What was felt, and what three raters' joysticks made of it: smooth, usual and rough."""
    frame = gallery.annotation_tracks(seconds=_sizes(profile).seconds).rename(
        columns={"value": "measured"}
    )
    frame["what"] = frame.what.map(
        {"felt": "felt", "0": "roughness 0", "0.3": "roughness 0.3 (default)", "1": "roughness 1"}
    )
    return Outcome(frame, profile, sources=SIMULATED, caps=asdict(_sizes(profile)))


def dial_table() -> pd.DataFrame:
    """The dials of a world, their defaults and what each turns."""
    return gallery.dial_table()


def speeds(profile: str) -> pd.DataFrame:
    """What a second buys on this machine."""
    return gallery.speeds(100 if profile == "smoke" else 400)


def cues() -> pd.DataFrame:
    """The table behind the voices: what each emotion does to pitch, range, rate, loudness and tilt."""
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
    return pd.DataFrame([{"emotion": e, **dict(zip(names, c))} for e, c in voice.CUES.items()])


def prototypes() -> pd.DataFrame:
    """The table behind the faces: action units of each emotion at its apex."""
    return pd.DataFrame(
        [
            {
                "emotion": e,
                "action units": ", ".join(f"{u} ({s:g})" for u, s in p.items()) or "none",
            }
            for e, p in affect.PROTOTYPES.items()
        ]
    )
