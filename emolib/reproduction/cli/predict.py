"""`emolib predict FILE`: which emotion a film or a recording shows, second by second, and which of its two witnesses was heard."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from emolib.data import media
from emolib.data.files import Damaged, guard
from emolib.ground.errors import EmolibError
from emolib.reproduction.report.files import table_text

STEP, LENGTH = 0.5, 1.0  # seconds from one segment to the next, and of a segment
LOOKS = 4  # pictures looked at in a second
RATE = 16_000


@dataclass(frozen=True)
class Said:
    """segments: begin (s), used ('both', 'face' or 'sound'), one column of probabilities per emotion.   told: what the reader must know, line by line"""

    segments: pd.DataFrame
    classes: tuple[str, ...]
    told: tuple[str, ...]

    @property
    def whole(self) -> pd.Series:
        """Mean over the segments, largest first."""
        return self.segments[list(self.classes)].mean().sort_values(ascending=False)


def act(options) -> int:
    """The command: say it, draw it; nothing is written before everything is known."""
    path = Path(options.file)
    plot = Path(options.plot) if options.plot else path.with_name(f"{path.stem}-emotions.png")
    if options.use not in ("both", "face", "sound"):
        raise EmolibError(f"--use {options.use}: expected both, face or sound")
    if plot.suffix.lower() not in (".png", ".svg"):
        raise EmolibError(f"{plot}: expected a .png or an .svg")
    if not plot.parent.is_dir():
        raise EmolibError(f"{plot}: there is no folder {plot.parent}; make it first")
    said = predict(path, options.use, options.profile)
    write(
        {
            plot: drawn(said, path.name, plot.suffix[1:].lower()),
            plot.with_suffix(".csv"): table_text(said.segments).encode(),
        }
    )
    first, second = said.whole.index[:2]
    print(
        f"{path.name}: {first} ({said.whole[first]:.2f}), then {second} ({said.whole[second]:.2f}); {len(said.segments)} segments"
    )
    for line in said.told:
        print(f"  {line}")
    print(plot)
    return 0


def predict(path: Path | str, use: str = "both", profile: str = "quick", model=None) -> Said:
    """Probabilities of every emotion in every second of a film or recording, from what there is of face and sound.

    model   a studies.predictor.Predictor; None: the one of `profile`, trained at the first call and then kept
    Raises Damaged for a file that cannot be read, EmolibError where neither a face nor a sound is left.
    """
    path = guard(Path(path))
    if path.suffix.lower() not in (*media.SOUNDS, *media.FILMS):
        raise EmolibError(
            f"{path}: expected a film ({', '.join(media.FILMS)}) or a recording ({', '.join(media.SOUNDS)})"
        )
    sound, face, told = _heard(path, use), _seen(path, use), []
    faces = {} if isinstance(face, str) else face
    told += [f"sound: {sound}"] if isinstance(sound, str) else []
    told += [f"picture: {face}"] if isinstance(face, str) else []
    if isinstance(sound, str) and not faces:
        raise EmolibError(
            f"{path}: nothing to go by (sound: {sound}; picture: {face if isinstance(face, str) else 'no face in it'})"
        )
    from emolib.reproduction.cli import predictor
    from emolib.reproduction.studies.mrpn import features

    model = model or predictor.predictor(profile)
    length = max(
        [0.0 if isinstance(sound, str) else len(sound) / RATE, *(t + 1 / LOOKS for t in faces)]
    )
    rows = []
    for begin in np.arange(0, max(length - LENGTH, 0) + 1e-9, STEP):
        points = [p for t, p in faces.items() if begin <= t < begin + LENGTH]
        wave = (
            None
            if isinstance(sound, str)
            else sound[round(begin * RATE) : round((begin + LENGTH) * RATE)]
        )
        second = (
            None if wave is None or len(wave) < RATE // 2 else features.heard([wave], RATE)[0, :1]
        )  # (1, F)
        if not points and second is None:
            continue
        odds = model.probabilities(np.stack(points) if points else None, second)
        rows.append(
            {
                "begin": round(float(begin), 3),
                "used": "both" if points and second is not None else "face" if points else "sound",
                **dict(zip(model.classes, odds.astype(float), strict=True)),
            }
        )
    if not rows:
        raise EmolibError(
            f"{path}: under half a second of sound and no face; there is nothing to go by"
        )
    frame = pd.DataFrame(rows)
    used = frame.used.value_counts()
    told.append(
        "; ".join(
            f"{n} of {len(frame)} segments by {'face and sound' if k == 'both' else f'the {k} alone'} (learnt from {model.sources[k]} clips)"
            for k, n in used.items()
        )
    )
    return Said(frame, tuple(model.classes), tuple(told))


def _heard(path: Path, use: str) -> np.ndarray | str:
    """The waveform at RATE, or why there is none."""
    if use == "face":
        return "not asked for"
    if path.suffix.lower() in media.FILMS and not media.probe_video(path).has_sound:
        return "the film has none"
    wave = media.read_sound(path, RATE)
    return wave if np.abs(wave).max() > 1e-4 else "silence from end to end"


def _seen(path: Path, use: str) -> dict[float, np.ndarray] | str:
    """Second -> points (136,) of a face, LOOKS times a second, or why there is none."""
    if use == "sound":
        return "not asked for"
    if path.suffix.lower() in media.SOUNDS:
        return "a recording has none"
    from emolib.features import detectors
    from emolib.reproduction.studies.mrpn import features

    fps = media.probe_video(path).fps
    try:
        look = detectors.make("dlib", video=False)
    except Damaged:
        raise
    except EmolibError as error:
        return f"left out, {error}"
    found, step, at = {}, max(1, round(fps / LOOKS)), 0
    for piece in media.iterate_frames(path, 64 * step):
        some = piece[::step]  # pieces hold whole steps
        marks = look.detect(some)
        for k, (points, there) in enumerate(
            zip(features.points(marks.points, marks.found), marks.found, strict=True)
        ):
            if there:
                found[(at + k * step) / fps] = points
        at += len(piece)
    return found or "no face was found in it"


def drawn(said: Said, name: str, kind: str) -> bytes:
    """A line per emotion over time, as the bytes of a png or svg; segments without one of the two witnesses are told in the title."""
    import matplotlib.pyplot as plt

    from emolib.reproduction.report import plots

    frame = said.segments.melt(["begin", "used"], list(said.classes), "emotion", "measured")
    frame = frame.assign(panel=f"{name}: {said.whole.index[0]}", begin=frame.begin + LENGTH / 2)
    fig = plots.lines(
        frame,
        x="begin",
        series="emotion",
        panels="panel",
        xlabel="seconds",
        ylabel="probability",
        chance=1 / len(said.classes),
    )
    fig.set_size_inches(8, 4)
    out = io.BytesIO()
    fig.savefig(out, format=kind, dpi=120)
    plt.close(fig)
    return out.getvalue()


def write(files: dict[Path, bytes]) -> None:
    """Write all files or none: each under another name first, then renamed."""
    partial = {path.with_name(f".{path.name}-{os.getpid()}"): path for path in files}
    try:
        for name, path in partial.items():
            name.write_bytes(files[path])
        for name, path in partial.items():
            name.replace(path)
    except OSError as error:
        raise EmolibError(
            f"{next(iter(files))}: cannot be written ({error.strerror}); name a place where there is room"
        ) from None
    finally:
        for name in partial:
            name.unlink(missing_ok=True)
