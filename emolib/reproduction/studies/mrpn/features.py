"""What networks are given: points of faces, seconds of sound, and worlds that spoil one of them.

The narrow stand-in for the printed networks starts here. Its extractors have no parameter to learn:
nothing of a test actor is in them, and hundreds of networks can be trained on them together.

The thesis's mechanism is about patterns that do not fit: fuzzy ones, missing ones, pairs that do
not belong together (5.1.2, 5.3.4). A clip whose face is fuzzy takes its face from another clip of
the same actor that shows what the simulator's dials say it shows. Nothing is drawn again, so
hundreds of worlds cost what five do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import Tensor

from emolib import EMOTIONS
from emolib import data as datasets
from emolib.data import splits
from emolib.data.sim.clip_sets import CLIPS
from emolib.data.sim.dials import Dials, displays, noisy, posterior, taken_for
from emolib.data.sim.streams import stream
from emolib.features import mel, spectra, texture
from emolib.features.landmarks import POINTS
from emolib.ground import settings
from emolib.ground.containers import ClipSet, TableSet
from emolib.ground.errors import EmolibError, nearest
from emolib.reproduction.studies.speech.training import chosen

HOP = 512  # samples between two frames of sound
POOL = 8  # bins averaged
SECOND = 31  # frames in a second
ERROR = 0.015  # of a simulated detector, in distances between the eyes
EYES = (slice(36, 42), slice(42, 48))
MIDDLE = (0.15, 0.85)  # part of a film from which frames are taken: at its ends the face rests
# The point that stands where each does once a face is mirrored: jaw, brows, nose; eyes; mouth.
MIRROR = np.r_[
    16:-1:-1, 26:16:-1, 27:31, 35:30:-1,
    45:41:-1, 47:45:-1, 39:35:-1, 41:39:-1,
    54:47:-1, 59:54:-1, 64:59:-1, 67:64:-1,
]  # fmt: skip
PAIRS = "ravdess-12x2"
PROTOCOLS = {"ravdess": PAIRS, "crema_d": "crema_d-9"}
PROTOCOLS |= {"ravdess_av": PAIRS, "ravdess_av+scores": PAIRS}
PARTS = ("Training", "PublicTest", "PrivateTest")  # of FER2013: who learns, decides, is tested
CELLS, COMPONENTS = 6, 64  # of a face's texture: cells a side, components that are kept

CLEAN = Dials(fuzz_face=0.0, fuzz_voice=0.0, label_noise=0.0, missing_face=0.0)
# fuzz_* and missing_* hold for every clip, mismatched_* and label_noise for training clips alone.
SPOILT = (
    *("fuzz_face", "missing_face", "mismatched_face"),
    *("fuzz_voice", "missing_voice", "mismatched_voice"),
)
SWEPT = (*SPOILT, "complementarity", "label_noise")


@dataclass(frozen=True)
class Bank:
    """Features of N clips and, as row N, of a film without a face and in silence.

    face     float32 (N + 1, frames, 136): 68 points x, y about the eyes' middle, in distances
             between the eyes; 0 where nobody is found
    sound    float32 (N + 1, W, 2 * rows): mean and spread of each band's decibels over the second
             that begins at frame 0 ... W - 1, about the second's own level
    label    int (N,) class;   subject, clip  str (N,);   strength  int (N,)
    """

    face: np.ndarray
    sound: np.ndarray
    label: np.ndarray
    subject: np.ndarray
    clip: np.ndarray
    strength: np.ndarray

    @property
    def blank(self) -> int:
        """The row of a missing modality."""
        return len(self.label)

    @property
    def classes(self) -> int:
        return int(self.label.max()) + 1


@dataclass(frozen=True)
class Job:
    """What one network trains on.

    face, sound              int (n,): rows of the bank that clips take face and sound from
    told, truth              int (n,): labels as training is told them, and as they are
    train, validation, test  indices into those;   seed  of first weights and order
    """

    face: np.ndarray
    sound: np.ndarray
    told: np.ndarray
    truth: np.ndarray
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    seed: int


def parts(name: str, subject: np.ndarray) -> list[splits.Split]:
    """The folds of Table 5.2 or 5.3 on these subjects; the same people decide for every seed."""
    people = SimpleNamespace(name=name, subject=subject)
    return splits.literature_folds(people, PROTOCOLS[name], seed=0)


def labels(data: ClipSet | TableSet) -> np.ndarray:
    """Classes (N,) 0 ... C - 1 in the order in which emolib.EMOTIONS has those that occur."""
    return np.unique(data.label, return_inverse=True)[1]


def bank(*, data: str, each: int | None, frames: int) -> dict:
    """Features of the clips of a reference, for the run store: the fields of Bank.

    each   clips of every actor and emotion;   frames   pictures of each film
    """
    clips = datasets.resolve(data)
    if isinstance(clips, TableSet):
        return summaries(clips)
    clips = chosen(clips, each)
    if "intensity" in clips.meta:
        strength = clips.meta["intensity"]
    else:
        strength = clips.meta["level"].map({"LO": 0, "MD": 1, "HI": 2, "XX": 1})
    faces = [watched(clips, i, frames) for i in range(len(clips))]
    return {
        "face": np.stack([*faces, np.zeros_like(faces[0])]),
        "sound": heard([wave() for wave in clips.waveform], clips.rate),
        "label": labels(clips),
        "subject": clips.subject,
        "clip": clips.meta["image"].to_numpy(dtype=str),
        "strength": strength.to_numpy(),
    }


def summaries(data: TableSet) -> dict:
    """The fields of Bank for clips that are summed up in a row: one 'frame' and one 'second' each.

    Columns that begin with 'sound' are the sound, all others the face.
    """
    heard = np.char.startswith(data.columns, "sound")  # (F,)
    padded = np.concatenate([data.features, np.zeros_like(data.features[:1])]).astype(np.float32)
    return {
        "face": padded[:, None, ~heard],
        "sound": padded[:, None, heard],
        "label": labels(data),
        "subject": data.subject,
        "clip": data.meta["image"].to_numpy(dtype=str),
        "strength": data.meta["intensity"].to_numpy(),
    }


def half_real(*, data: str, faces: str, each: int | None, seed: int) -> dict:
    """Real speech beside real faces of other people that show the same emotion: fields of Bank.

    data, faces   references of RAVDESS (sound) and FER2013;   seed   draws the faces
    The face of clip i stands in rows i, N + i and 2 N + i: pictures of the PARTS, each for another
    role of the clip's actor. Within an emotion face and voice know nothing of each other. A face is
    the first components of its local binary patterns, found on the first part; calm is left out.
    """
    clips, pictures = datasets.resolve(data), datasets.resolve(faces)
    clips = chosen(clips.select(clips.label != EMOTIONS.index("calm")), each)
    drawn = []
    for part in PARTS:
        u = stream(seed, "half real", part).random(len(clips))
        for emotion, place in zip(clips.label, u, strict=True):
            fits = np.flatnonzero((pictures.split == part) & (pictures.label == emotion))
            drawn.append(fits[int(place * len(fits))])
    patterns = np.sqrt(texture.lbp(pictures.images[drawn], CELLS))  # (3 N, 59 * CELLS^2)
    learnt = patterns[: len(clips)]
    axes = PCA(min(COMPONENTS, len(clips) - 1), svd_solver="full").fit(learnt)
    looks = axes.transform(patterns).astype(np.float32)
    sound = heard([wave() for wave in clips.waveform], clips.rate).mean(1, keepdims=True)
    return {
        "face": np.concatenate([looks, np.zeros_like(looks[:1])])[:, None],
        "sound": sound,
        "label": labels(clips),
        "subject": clips.subject,
        "clip": clips.meta["image"].to_numpy(dtype=str),
        "strength": clips.meta["intensity"].to_numpy(),
    }


def watched(data: ClipSet, i: int, frames: int) -> np.ndarray:
    """Points of `frames` pictures of film i, float32 (frames, 136).

    A simulated film says where they are, give or take a detector's error.
    """
    if data.source == "simulated":
        from emolib.data.sim import clip_sets, face

        film = clip_sets.film(data, i)
        xy = face.points(film.take(spread(len(film), frames)), 1)  # (T, 68, 2), 0 to 1 inside
        found = ((xy >= 0) & (xy <= 1)).all(-1).mean(1) >= 0.5
        noise = stream(0, "detector", data.content[i]).standard_normal((frames, 2 * POINTS))
        return (points(xy, found) + ERROR * noise * found[:, None]).astype(np.float32)
    from emolib.features import detectors

    pictures = data.frames[i]()
    marks = detectors.make("dlib", video=False).detect(pictures[spread(len(pictures), frames)])
    return points(marks.points, marks.found)


def spread(length: int, frames: int) -> np.ndarray:
    """Which frames of a film of `length` are looked at."""
    first, last = (share * (length - 1) for share in MIDDLE)
    return np.linspace(first, last, frames).round().astype(int)


def points(xy: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Points (T, 68, 2) in pixels -> float32 (T, 136): upright, about the middle of the eyes, in
    distances between them; 0 where `found` (T,) is not."""
    xy = np.where(found[:, None, None], xy, 0.0).astype(float)
    right, left = (xy[:, eye].mean(1) for eye in EYES)  # (T, 2)
    across = left - right
    size = np.where(found, np.hypot(*across.T), 1.0).clip(min=1e-6)
    cos, sin = across.T / size
    turn = np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], -2)  # (T, 2, 2)
    centred = xy - (right + left)[:, None] / 2
    upright = np.einsum("tij,tpj->tpi", turn, centred) / size[:, None, None]
    return np.where(found[:, None, None], upright, 0.0).reshape(len(xy), -1).astype(np.float32)


def heard(waves: list[np.ndarray], rate: int) -> np.ndarray:
    """Waveforms -> float32 (N + 1, W, 2 * rows): every second that begins at a frame.

    Shorter clips repeat their last one; silence comes last. Neither a gain nor an offset of a
    waveform changes its rows (chang2021-c69).
    """
    waves = [*waves, np.zeros(max(len(w) for w in waves), np.float32)]
    rows = []
    for wave in waves:
        decibels = mel.log_spectrogram(mel.without_gain(wave), rate, hop_length=HOP)
        rows.append(seconds(spectra.pooled(decibels, POOL)))
    longest = max(map(len, rows))
    return np.stack([r[np.minimum(np.arange(longest), len(r) - 1)] for r in rows])


def seconds(decibels: np.ndarray) -> np.ndarray:
    """(rows, frames) -> float32 (W, 2 * rows): mean and deviation of each run of SECOND frames.

    The level of a second, the mean of all its decibels, is taken out of the means.
    """
    decibels = np.asarray(decibels, float)
    short = SECOND - decibels.shape[1]
    if short > 0:  # under a second: what there is, and silence
        decibels = np.pad(decibels, ((0, 0), (0, short)), constant_values=decibels.min())
    window = np.lib.stride_tricks.sliding_window_view(decibels, SECOND, axis=1)  # (rows, W, SECOND)
    mean, spread = window.mean(-1), window.std(-1)  # (rows, W)
    return np.concatenate([mean - mean.mean(0), spread]).T.astype(np.float32)


# ---------------------------------------------------------------- worlds with something wrong


def jobs(bank: Bank, seed: int, dial: str, level: float, parts: list[tuple]) -> list[Job]:
    """A Job for each of `parts` (train, validation, test rows) in the world `seed`.

    One dial is turned to `level`, the others are as clip_sets.CLIPS has them; '' turns nothing.
    """
    if dial and dial not in SWEPT:
        raise nearest(dial, SWEPT, what="dial of a fusion world")
    if not 0 <= level <= 1:
        raise EmolibError(f"dial '{dial}' is {level}, expected 0 to 1")
    dials = replace(CLIPS, mismatched=0.0, label_noise=0.0)
    if dial.startswith("fuzz") or dial == "complementarity":
        dials = replace(dials, **{dial: level})
    share = dict.fromkeys(SWEPT, 0.0) | {dial: level}
    count, classes = len(bank.label), bank.classes

    def read(face: np.ndarray) -> np.ndarray:
        at = donors(bank, face, seed, "face")
        looks = bank.face[: bank.blank].mean(1)  # (N, 136)
        return taken_for(seed, posterior(looks, bank.label, bank.subject)[at])

    shown = displays(seed, bank.label, classes, dials, read)
    clean, dirty = {}, {}
    for m in ("face", "voice"):
        rows = donors(bank, shown[m], seed, m)
        missing = stream(seed, "fusion", "missing", m).random(count) < share[f"missing_{m}"]
        clean[m] = np.where(missing, bank.blank, rows)
        # training pairs that do not belong together
        swapped = stream(seed, "fusion", "mismatched", m).random(count) < share[f"mismatched_{m}"]
        step = stream(seed, "fusion", "mismatched to", m).integers(1, classes, count)
        other = donors(bank, (bank.label + step) % classes, seed, m)
        dirty[m] = np.where(swapped, other, clean[m])
    told = noisy(seed, bank.label, classes, share["label_noise"], "fusion")
    made = []
    for k, (train, validation, test) in enumerate(parts):
        learnt = np.isin(np.arange(count), train)
        face, sound = (np.where(learnt, dirty[m], clean[m]) for m in ("face", "voice"))
        taught = np.where(learnt, told, bank.label)
        made.append(
            Job(face, sound, taught, bank.label, train, validation, test, seed=97 * seed + k)
        )
    return made


BROKEN = ("in training", "in every clip")  # where pairs of a half-real bank are broken


def broken(bank: Bank, seed: int, where: str, share: float, parts: list[tuple]) -> list[Job]:
    """A Job for each of `parts` of a half-real bank, some of whose clips show another emotion.

    where   one of BROKEN;   share   of those clips, 0 to 1
    """
    if where not in BROKEN:
        raise nearest(where, BROKEN, what="place of broken pairs")
    count, rows = len(bank.label), np.arange(len(bank.label))
    swapped = stream(seed, "half real", "broken").random(count) < share
    step = stream(seed, "half real", "broken to").integers(1, bank.classes, count)
    other = donors(bank, (bank.label + step) % bank.classes, seed, "face")
    made = []
    for k, (train, *others) in enumerate(parts):
        role = np.zeros(count, int)  # rows of those who decide and are tested stand further on
        for turn, people in enumerate(others, 1):
            role[people] = turn
        reached = swapped & ((role == 0) | (where == BROKEN[1]))
        face = np.where(reached, other, rows) + count * role
        whom = (train, *others)
        made.append(Job(face, rows, bank.label, bank.label, *whom, seed=97 * seed + k))
    return made


def donors(bank: Bank, shown: np.ndarray, seed: int, modality: str) -> np.ndarray:
    """Row (N,) of a clip of the same actor and, if there is one, strength that is of class `shown`
    (N,); the clip itself where it shows its own."""
    u = stream(seed, "fusion", "donor", modality).random(len(shown))
    rows = np.arange(len(shown))
    for i in np.flatnonzero(shown != bank.label):
        fits = (bank.subject == bank.subject[i]) & (bank.label == shown[i])
        alike = np.flatnonzero(fits & (bank.strength == bank.strength[i]))
        found = alike if len(alike) else np.flatnonzero(fits)
        if not len(found):
            raise EmolibError(
                f"{bank.subject[i]} has no clip of class {shown[i]} to exchange with; "
                "load every emotion of every actor"
            )
        rows[i] = found[int(u[i] * len(found))]
    return rows


def thirds(bank: Bank, folds: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Splits by actor: every `folds`-th is tested, every other of the next ones decides."""
    actors = np.unique(bank.subject)
    if len(actors) < 3 * folds // 2 + 1:
        raise EmolibError(
            f"{len(actors)} actors cannot fill {folds} folds with somebody left to decide"
        )
    where = np.searchsorted(actors, bank.subject)
    parts = []
    for k in range(folds):
        test = where % folds == k
        decide = (where % folds == (k + 1) % folds) & (where // folds % 2 == 0)
        parts.append(tuple(np.flatnonzero(v) for v in (~test & ~decide, decide, test)))
    return parts


# ---------------------------------------------------------------- batches


@dataclass(frozen=True)
class Option:
    """How clips are presented in training: an option of Table 5.4 (chang2021-c16, chang2021-c61).

    slicing   a random place in time (T) or always the same (NT)
    per_clip  one random change of the picture for a clip (VA), not for each frame (IA)
    overlap   seconds of sound overlap by half (AO), or not (WO)
    summed    clips are vectors: nothing to slice or to turn; scaled by each job's training clips
    """

    slicing: bool
    per_clip: bool
    overlap: bool
    summed: bool = False


SUMMED = "summaries"
OPTIONS = {
    "IA": Option(False, False, False),
    "VA+WO": Option(True, True, False),
    "VA+AO": Option(True, True, True),
    SUMMED: Option(False, False, False, summed=True),
}


class Feed:
    """Batches of all members: features (M, B, T, F) of faces and of sound, and labels (M, B).

    The members are the `distinct` jobs, `times` over: one method after another. What goes in is
    made once for all methods, and jobs with one seed and one split are shuffled alike.
    """

    def __init__(self, bank: Bank, distinct: list[Job], option: Option, batch: int, times: int = 1):
        self.times, self.option, self.batch = times, option, batch
        self.device = settings.device()
        self.jobs = distinct * times
        self.face = torch.as_tensor(bank.face, device=self.device)
        self.sound = torch.as_tensor(bank.sound, device=self.device)
        self.rows = {}  # (M, n) each
        for k in ("face", "sound", "told", "truth"):
            rows = np.stack([getattr(j, k) for j in self.jobs])
            self.rows[k] = torch.as_tensor(rows, dtype=torch.int64, device=self.device)
        # every other frame of a film; the others are for slicing
        self.frames = np.arange(0, bank.face.shape[1], 2)
        self.step = SECOND // (2 if option.overlap else 1)
        self.starts = np.arange(0, bank.sound.shape[1], self.step)
        self.scales = [self.scale(distinct, k) for k in ("face", "sound") if option.summed]

    def scale(self, jobs: list[Job], modality: str) -> tuple[Tensor, Tensor]:
        """Mean and spread (J, 1, 1, F) of a modality over the training clips of each job."""
        values = getattr(self, modality)
        learnt = [values[getattr(j, modality)[j.train]].flatten(0, 1) for j in jobs]  # (n, F) each
        mean = torch.stack([v.mean(0) for v in learnt])
        spread = torch.stack([v.std(0) for v in learnt]).clamp(min=1e-6)
        return mean[:, None, None], spread[:, None, None]

    def batches(self, epoch: int):
        """Each member's clips in its own order, as many as the smallest training part has."""
        least = min(len(j.train) for j in self.jobs)
        known: dict = {}
        for j in self.jobs:
            rng = np.random.default_rng([j.seed, len(j.train), int(j.train[0]), epoch])
            known.setdefault((j.seed, j.train.tobytes()), rng.permutation(j.train)[:least])
        order = np.stack([known[j.seed, j.train.tobytes()] for j in self.jobs])  # (M, least)
        rng = np.random.default_rng(epoch)
        for first in range(0, least - 1, self.batch):
            now = torch.as_tensor(order[:, first : first + self.batch], device=self.device)
            if now.shape[1] > 1:
                yield *self.clips(now, rng), self.rows["told"].gather(1, now)

    def clips(self, now: Tensor, rng: np.random.Generator | None = None) -> list[Tensor]:
        """Clips `now` (M, B): faces (M, B, T, 136) and seconds of sound (M, B, S, F).

        With `rng` as the option changes them; one draw serves the same place of every member.
        """
        distinct = now[: len(now) // self.times]  # (J, B)
        face, sound = (self.rows[k][: len(distinct)].gather(1, distinct) for k in ("face", "sound"))
        count = now.shape[1]
        frame = np.tile(self.frames, (count, 1))  # (B, T)
        begin = np.tile(self.starts, (count, 1))  # (B, S)
        if rng is not None and self.option.slicing:
            frame = frame + rng.integers(0, 2, frame.shape)
        x = self.face[face[..., None], torch.as_tensor(frame, device=self.device)]  # (J, B, T, 136)
        if rng is not None and not self.option.summed:
            x = self.changed(x, rng)
        if rng is not None and self.option.slicing:
            slack = self.step // 2
            begin = begin + rng.integers(-slack, slack + 1, (count, 1))
        begin = torch.as_tensor(begin.clip(0, self.sound.shape[1] - 1), device=self.device)
        given = [x, self.sound[sound[..., None], begin]]
        for k, (mean, spread) in enumerate(self.scales):
            given[k] = (given[k] - mean) / spread
        return [v.repeat(self.times, 1, 1, 1) for v in given]

    def changed(self, x: Tensor, rng: np.random.Generator) -> Tensor:
        """Points (J, B, T, 136) mirrored, turned, stretched, by clip or by frame."""
        shape = (x.shape[1], 1 if self.option.per_clip else x.shape[2])
        mirrored = torch.as_tensor(rng.random(shape) < 0.5, device=x.device)  # (B, T or 1)
        angle = rng.normal(0, 0.05, shape)
        wide, high = (np.exp(rng.normal(0, 0.05, shape)) for _ in range(2))
        cos, sin = np.cos(angle), np.sin(angle)
        matrix = [
            torch.as_tensor(v, dtype=x.dtype, device=x.device)[..., None]
            for v in (wide * cos, high * sin, wide * sin, high * cos)
        ]
        across, up = (v.contiguous() for v in x.unflatten(-1, (-1, 2)).movedim(-1, 0))
        at = mirrored.expand(-1, x.shape[2]).nonzero(as_tuple=True)
        across[:, *at], up[:, *at] = -across[:, *at][..., MIRROR], up[:, *at][..., MIRROR]
        turned = across * matrix[0] - up * matrix[1], across * matrix[2] + up * matrix[3]
        return torch.stack(turned, -1).flatten(-2)
