"""`emolib predict FILE`: which emotion a film or a recording shows, second by second.

It says which of the two witnesses, face and sound, was heard.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.data import media
from emolib.data.files import Damaged, guard
from emolib.ground.errors import EmolibError, printable
from emolib.reproduction.report.files import table_text

STEP, LENGTH = 0.5, 2.5  # seconds from one segment to the next, and of a segment
LOOKS = 4  # pictures looked at in a second
RATE = 16_000
QUIET = 10 ** (-35 / 20)  # a part this much quieter than the loudest holds no speech
UNCLEAR = 0.4  # an emotion with less than this is not named
FAINTEST = 2e-4  # from peak to peak, six steps of 16 bits: a file that moves less is silent


@dataclass(frozen=True)
class Said:
    """segments: begin (s), used ('both', 'face', 'sound'), one column of probabilities per emotion.

    told: what the reader must know, line by line
    """

    segments: pd.DataFrame
    classes: tuple[str, ...]
    told: tuple[str, ...]

    @property
    def whole(self) -> pd.Series:
        """Mean over the segments, largest first."""
        return self.segments[list(self.classes)].mean().sort_values(ascending=False)

    @property
    def word(self) -> str:
        """The emotion, or that none stands out: a neutral face or voice has none to name."""
        first, second = (f"{name} ({odds:.2f})" for name, odds in self.whole.iloc[:2].items())
        if self.whole.iloc[0] < UNCLEAR:
            return f"unclear, {first} or {second}"
        if self.whole.index[0] == "neutral":
            return f"no emotion stands out, {first}, then {second}"
        return f"{first}, then {second}"


def act(options) -> int:
    """The command; nothing is written before everything is known."""
    path = Path(options.file)
    plot = Path(options.plot) if options.plot else path.with_name(f"{path.stem}-emotions.png")
    if options.use not in ("both", "face", "sound"):
        raise EmolibError(f"--use {options.use}: expected both, face or sound")
    if plot.suffix.lower() not in (".png", ".svg"):
        raise EmolibError(f"{plot}: expected a .png or an .svg")
    if not plot.parent.is_dir():
        raise EmolibError(f"{plot}: there is no folder {plot.parent}; make it first")
    if error := _refused(plot):  # said before anything is read, not after
        raise EmolibError(f"{plot}: cannot be written ({error}); name another with --plot")
    said = predict(path, options.use)
    table = table_text(said.segments).encode()
    picture = drawn(said, printable(path.name), plot.suffix[1:].lower())
    write({plot: picture, plot.with_suffix(".csv"): table})
    print(f"{printable(path.name)}: {said.word}; {len(said.segments)} segments")
    for line in said.told:
        print(f"  {line}")
    print(printable(plot))
    return 0


def _refused(path: Path) -> str:
    """Why the system refuses this very name, such as one that is too long; '' if it does not."""
    try:
        path.lstat()
    except OSError as error:
        return "" if isinstance(error, FileNotFoundError) else error.strerror
    return ""


class Networks:
    """The two networks that come with emolib as one witness of seven emotions.

    Where faces or voices are met that are not FERPlus's or RAVDESS's, nothing is known of how often
    each emotion comes: all count as equally likely. RAVDESS's calm is heard as neutral.
    """

    classes = EMOTIONS[:7]

    def __init__(self):
        from emolib.models import trained

        self.face, self.sound = trained.load("faces"), trained.load("speech")

    def seen(self, faces: np.ndarray) -> np.ndarray:
        """Faces uint8 (n, 48, 48) -> (n, C), the odds of the classes of the network on faces.

        Segments overlap: what a look says is asked once, not for each segment that it is part of.
        """
        from emolib.models.trained import face_fed

        return even_odds(self.face, face_fed(faces))

    def heard(self, picture: np.ndarray) -> np.ndarray:
        """A picture of sound (bands, frames) -> (m, C) of the network on voices, a row a window."""
        from emolib.features import utterance
        from emolib.models.trained import voice_fed

        return even_odds(self.sound, voice_fed(utterance.windows(picture)))

    def probabilities(self, seen: np.ndarray | None, heard: np.ndarray | None) -> np.ndarray:
        """(7,) from the odds of looks (n, C) and of windows of sound (m, C), one of which may be
        None; of both, the geometric mean."""
        odds = []
        if seen is not None:
            odds.append(self._named(self.face, seen))
        if heard is not None:
            odds.append(self._named(self.sound, heard))
        if not odds:
            raise ValueError("probabilities: neither a face nor a sound")
        product = np.exp(np.mean(np.log(odds), axis=0))
        return product / product.sum()

    def _named(self, network, odds: np.ndarray) -> np.ndarray:
        """(7,), the mean over what was looked at or heard (n, C)."""
        mean = dict(zip(network.classes, odds.mean(0)))
        mean["neutral"] = max(mean["neutral"], mean.pop("calm", 0.0))
        share = np.array([mean[name] for name in self.classes]).clip(1e-6)
        return share / share.sum()

    def known(self, used: str) -> str:
        """How often such an answer is right on people the networks have never met."""
        words = {"face": self.face.about["trial"], "sound": self.sound.about["trial"]}
        return "; ".join(words.values()) if used == "both" else words[used]


def even_odds(network, fed) -> np.ndarray:
    """(n, C), what a network that comes with emolib says of what it is fed, as if all its classes
    were equally likely: nothing is known of how often each comes among strangers."""
    from emolib.data.sampler import prior_shift

    flat = np.full(len(network.prior), 1 / len(network.prior))
    return np.exp(prior_shift(network.logits(fed), network.prior, flat))


def predict(path: Path | str, use: str = "both", model=None) -> Said:
    """Probabilities of every emotion in every second, from what there is of face and sound.

    model   has `classes`, `seen`, `heard`, `probabilities` and `known` (default: Networks)
    Raises Damaged for a file that cannot be read, EmolibError where no face and no sound is left.
    """
    path = guard(Path(path))
    if path.suffix.lower() not in (*media.SOUNDS, *media.FILMS):
        raise EmolibError(
            f"{path}: expected a film ({', '.join(media.FILMS)}) "
            f"or a recording ({', '.join(media.SOUNDS)})"
        )
    wave, silent = _heard(path, use)
    faces, unseen = _seen(path, use)
    if silent and unseen:
        raise EmolibError(f"{path}: nothing to go by (sound: {silent}; picture: {unseen})")
    model = model or Networks()
    length = max([len(wave) / RATE, *(t + 1 / LOOKS for t in faces)])
    times = np.array(list(faces))  # (n,) seconds
    looks = model.seen(np.stack(list(faces.values()))) if faces else None  # (n, C)
    rows = []
    for begin in np.arange(0, max(length - LENGTH, 0) + 1e-9, STEP):
        within = (times >= begin) & (times < begin + LENGTH)
        seen = looks[within] if within.any() else None
        picture = _spoken(wave[round(begin * RATE) : round((begin + LENGTH) * RATE)], wave)
        heard = None if picture is None else model.heard(picture)
        if seen is None and heard is None:
            continue
        alone = "face" if heard is None else "sound"
        used = alone if seen is None or heard is None else "both"
        odds = model.probabilities(seen, heard).astype(float)
        row = {"begin": round(float(begin), 3), "used": used}
        rows.append(row | dict(zip(model.classes, odds, strict=True)))
    if not rows:
        raise EmolibError(
            f"{path}: under half a second of sound and no face; there is nothing to go by"
        )
    frame = pd.DataFrame(rows)
    words = {"both": "face and sound", "face": "the face alone", "sound": "the sound alone"}
    counts = frame.used.value_counts()
    told = [f"sound: {silent}"] if silent else []
    told += [f"picture: {unseen}"] if unseen else []
    told += [f"{n} of {len(frame)} segments by {words[used]}" for used, n in counts.items()]
    told += [f"on people never met: {model.known('both' if len(counts) > 1 else counts.index[0])}"]
    return Said(frame, tuple(model.classes), tuple(told))


def _spoken(part: np.ndarray, whole: np.ndarray) -> np.ndarray | None:
    """The picture of a part of a recording, None where it is short or quiet beside the whole."""
    from emolib.features import utterance

    if len(part) < RATE // 2 or np.ptp(part) < QUIET * np.ptp(whole):
        return None
    picture = utterance.picture(part, RATE)
    return picture if picture.shape[1] else None


def _heard(path: Path, use: str) -> tuple[np.ndarray, str]:
    """The waveform at RATE, and why it is empty if it is."""
    nothing = np.empty(0, np.float32)
    if use == "face":
        return nothing, "not asked for"
    if path.suffix.lower() in media.FILMS and not media.probe_video(path).has_sound:
        return nothing, "the film has none"
    wave = media.read_sound(path, RATE)
    return (nothing, "silence from end to end") if np.ptp(wave) <= FAINTEST else (wave, "")


def _seen(path: Path, use: str) -> tuple[dict[float, np.ndarray], str]:
    """Second -> face uint8 (48, 48), LOOKS times a second, and why there is none."""
    from emolib.features import detectors, portrait

    if use == "sound":
        return {}, "not asked for"
    if path.suffix.lower() in media.SOUNDS:
        return {}, "a recording has none"
    fps = media.probe_video(path).fps
    try:
        detector = detectors.make("dlib", video=False)
    except Damaged:
        raise
    except EmolibError as error:
        return {}, f"left out, {error}"
    faces, frame, step = {}, 0, max(1, round(fps / LOOKS))
    for piece in media.iterate_frames(path, 64 * step):  # pieces hold whole steps
        marks = detector.detect(piece[::step])
        looks = portrait.portraits(piece[::step][marks.found], marks.points[marks.found])
        times = (frame + step * np.flatnonzero(marks.found)) / fps
        faces |= dict(zip(times.tolist(), looks))
        frame += len(piece)
    return faces, "" if faces else "no face was found in it"


def drawn(said: Said, name: str, kind: str) -> bytes:
    """A line per emotion over time, as the bytes of a png or svg."""
    import matplotlib.pyplot as plt

    from emolib.reproduction.report import plots

    frame = said.segments.melt(["begin", "used"], list(said.classes), "emotion", "measured")
    title = f"{name}: {said.word}".replace("$", r"\$")  # no mathematics
    frame = frame.assign(panel=title, begin=frame.begin + LENGTH / 2)
    words = {"xlabel": "seconds", "ylabel": "probability", "chance": 1 / len(said.classes)}
    fig = plots.lines(frame, x="begin", series="emotion", panels="panel", **words)
    fig.set_size_inches(8, 4)
    out = io.BytesIO()
    fig.savefig(out, format=kind, dpi=120)
    plt.close(fig)
    return out.getvalue()


def write(files: dict[Path, bytes]) -> None:
    """Write all files or none: each under another name first, then renamed."""
    partial = {
        path.with_name(f".{os.getpid()}-{number}.partial"): path
        for number, path in enumerate(files)  # a short name: theirs may be as long as one can be
    }
    try:
        for name, path in partial.items():
            name.write_bytes(files[path])
        for name, path in partial.items():
            name.replace(path)
    except OSError as error:
        raise EmolibError(
            f"{next(iter(files))}: cannot be written ({error.strerror}); "
            "name a place where there is room"
        ) from None
    finally:
        for name in partial:
            name.unlink(missing_ok=True)
