"""Tables and figures of notebook 10: where descents end, where gradients go, what a loss costs."""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from emolib import data as datasets
from emolib import losses, metrics
from emolib.data.sim.streams import stream
from emolib.models import video
from emolib.reproduction import runs
from emolib.reproduction.papers.audit.record import fresh
from emolib.reproduction.papers.audit.video_protocol import full_network_macs
from emolib.reproduction.runs import Outcome, held, part
from emolib.reproduction.runs.claims import WORLDS

PRINTED_ERROR = 0.1  # squared error, mean of the axes: the tables print about 0.2, summed over both
FLICKERS = (0.0, 0.01, 0.05)  # standard deviation of white noise on a prediction
FRAMES = 256  # of a window in the batch whose cost is counted
TRAINED = {"MSE": losses.mse, "CCC": losses.ccc_loss, "Non-Inertial": losses.non_inertial}


# ---------------------------------------------------------------- angles


def unit(degrees, length: float = 1.0) -> Tensor:
    """The point at an angle, counted from the valence axis towards arousal: (..., 2)."""
    turn = torch.deg2rad(torch.as_tensor(degrees, dtype=torch.float64))
    return length * torch.stack([torch.cos(turn), torch.sin(turn)], dim=-1)


def angle(a: Tensor, b: Tensor) -> Tensor:
    """The angle between two vectors in radians, 0 to pi: (..., 2), (..., 2) -> (...)."""
    return torch.atan2(losses.cross(a, b).abs(), (a * b).sum(-1))


def angle_curves(study: Study) -> Outcome:
    """0 to 180 degrees apart: the angle, Eq. 5 and Eq. 14 in radians, of long and short vectors."""
    degrees, rows = torch.arange(0.0, 181.0, 10.0), []
    for vectors, length in (("both on the unit circle", 1.0), ("both halfway out", 0.5)):
        x, y = unit(degrees, length), unit(torch.zeros_like(degrees), length)
        product = losses.cross(x, y).abs()
        for formula, values in (
            ("the angle", angle(x, y)),
            ("Eq. 5, product", product),
            ("Eq. 14, arcsine of it", torch.arcsin(product.clamp(max=1))),
        ):
            about = {"vectors": vectors, "formula": formula}
            for d, value in zip(degrees.tolist(), values.tolist()):
                rows.append(about | {"degrees": d, "measured": round(value, 6) + 0.0})
    return study.outcome(pd.DataFrame(rows))


# ---------------------------------------------------------------- where a descent ends


def on_disc(count: int) -> Tensor:
    """Points of a square grid that lie in the unit disc, float64 (N, 2)."""
    line = torch.linspace(-1, 1, count, dtype=torch.float64)
    points = torch.cartesian_prod(line, line)
    return points[points.square().sum(-1) <= 1 + 1e-12]


@held
def descents(study: Study) -> Outcome:
    """Downhill from every point of the disc: the share of starts that ends at the annotation,
    at its mirror image, or elsewhere."""
    steps, near, rows = study.sizes.steps, 0.05 * study.sizes.step, []
    for loss, options in (
        ("distance", {"terms": ("distance",)}),
        ("speed and direction", {"terms": ("speed", "direction")}),
        ("all three (table)", {}),
        ("all three (Eq. 3 to 6)", {"reading": "eq3"}),
    ):
        last = on_disc(study.sizes.starts).clone().requires_grad_()
        adam = torch.optim.Adam([last], lr=6 / steps)  # far enough to cross the disc
        # subgradients do not fade out by themselves
        slower = torch.optim.lr_scheduler.LambdaLR(adam, lambda k: (1 - k / steps) ** 2)
        for _ in range(steps):
            adam.zero_grad()
            value = losses.non_inertial(*study.predicted(last), reduction="none", **options)
            value.sum().backward()
            adam.step()
            slower.step()
        there, mirrored = (
            float(((last.detach() - place).square().sum(-1).sqrt() < near).double().mean())
            for place in (study.moment[-1], study.mirror)
        )
        ends = {"the annotation": there, "its mirror image": mirrored}
        for end, share in (ends | {"elsewhere": 1 - there - mirrored}).items():
            about = {"loss": loss, "metric": end, "measured": round(share, 4) + 0.0}
            rows.append(about | {"unit": "share of starts"})
    return study.outcome(pd.DataFrame(rows))


# ---------------------------------------------------------------- loss and gradient of three terms


def shares(y: Tensor, error: float, flicker: float) -> tuple[dict, np.ndarray]:
    """Shares of speed and direction: in the loss 'table', its gradient, and by frequency (T/2+1,).

    y   windows of annotation, float64 (W, T, 2)
    The prediction is the annotation at half its width, moved so that the squared error (mean of the
    axes) is `error`, plus white noise.
    """
    white = stream(1, "loss tracks", "flicker").standard_normal(tuple(y.shape))
    middle = y.mean(1, keepdim=True)
    x = middle + 0.5 * (y - middle) + flicker * torch.as_tensor(white)
    left = error - float(losses.mse(x, y))
    shift = np.sqrt(max(left, 0.0)) * torch.sign(-middle)  # towards the centre: inside the disc
    x = (x + shift).requires_grad_()
    loss, gradient, power = {}, {}, {}
    for name, terms in (("distance", ("distance",)), ("rest", ("speed", "direction"))):
        value = losses.non_inertial(x, y, terms=terms)
        (slope,) = torch.autograd.grad(value, x)
        loss[name], gradient[name] = float(value.detach()), float(slope.square().sum())
        power[name] = torch.fft.rfft(slope, dim=1).abs().square().mean((0, 2)).numpy()
    of_loss, of_gradient, of_power = (
        v["rest"] / (v["rest"] + v["distance"]) for v in (loss, gradient, power)
    )
    return {"loss": of_loss, "gradient": of_gradient}, of_power


@held
def gradient_shares(study: Study) -> Outcome:
    """The share of speed and direction in the power of the gradient, by frequency and in all."""
    fps, rows = study.world.fps, []
    frequency = np.fft.rfftfreq(study.sizes.length, 1 / fps)
    edges = np.array([-1, 0, 0.5, 1, 2, 3, 4, 6, 8, 10, 12, fps])
    for error in (PRINTED_ERROR, PRINTED_ERROR / 5):
        for flicker in FLICKERS:
            total, by_frequency = shares(study.annotated[0], error, flicker)
            for a, b in zip(edges[:-1], edges[1:]):
                inside = (frequency > a) & (frequency <= b)
                if inside.any():
                    rows.append(
                        {
                            "error": f"squared error {2 * error:g}, both axes",
                            "flicker": f"flicker {flicker:g}",
                            "hertz": round(float(frequency[inside].mean()), 3),
                            "measured": round(float(by_frequency[inside].mean()), 5),
                            "of the loss": round(total["loss"], 5),
                            "of the gradient": round(total["gradient"], 5),
                        }
                    )
    return study.outcome(pd.DataFrame(rows), sources=(study.world,))


# ---------------------------------------------------------------- how people's labels move


@dataclass(frozen=True)
class Hand:
    """Labels of one kind: who moved them, how often a second, and another's labels of the same.

    tracks   (T, 2) each;   other  the same films by another, or None
    owner    person or segment of each track
    """

    data: object
    tracks: list[np.ndarray]
    owner: np.ndarray
    fps: np.ndarray
    other: list[np.ndarray] | None


def hands(study: Study) -> dict[str, Hand]:
    """By the words of a table: everybody whose labels are at hand."""
    made, world = {}, study.world
    if (felt := study.felt) is not None:
        after = {}  # the next person who saw the same film
        for rows in felt.meta.groupby("video").groups.values():
            after |= dict(zip(rows, np.roll(rows, -1), strict=True))
        tracks, fps = felt.valence_arousal, np.asarray(felt.meta.fps)
        other = [tracks[after[k]] for k in range(len(felt))]
        made["CEAP-360VR, people by joystick"] = Hand(felt, tracks, felt.subject, fps, other)
    seen, heard = study.shown
    fps = np.full(len(seen), seen.fps)
    tracks, other = seen.valence_arousal, heard.valence_arousal
    made["studyforrest, agreement of observers"] = Hand(seen, tracks, seen.subject, fps, other)
    fps, name = np.full(len(world), world.fps), "Aff-Wild"
    if world.source == "simulated":
        name = "the simulator's hand"
    made[name] = Hand(world, world.valence_arousal, world.subject, fps, None)
    return made


@held
def label_motion(study: Study) -> Outcome:
    """Extra 48: how far labels move in a frame and in a second, how often they rest, and whether
    valence and arousal go together. Means over tracks, intervals over people or segments."""
    rows, measures = [], ("stands still", "mean change a frame", "largest change a frame")
    measures += ("mean change a second", "correlation of valence and arousal")
    units = dict(zip(measures, ("fraction", "of the axis", "of the axis", "of the axis", "r")))
    for name, hand in hands(study).items():
        values = []
        for track, fps in zip(hand.tracks, hand.fps, strict=True):
            step = np.hypot(*np.diff(track.astype(float), axis=0).T)  # (T - 1,)
            flat = (np.ptp(track, axis=0) == 0).any()
            together = np.nan if flat else np.corrcoef(track.astype(float).T)[0, 1]
            still, mean = (step == 0).mean(), step.mean()
            values.append((still, mean, step.max(), fps * mean, together))
        values = np.array(values)
        known = np.isfinite(values)
        how = {"draws": study.draws, "level": study.level}
        three = metrics.bootstrap_ci(np.where(known, values, 0.0), hand.owner, known, **how)
        for metric, *measured in zip(measures, *three, strict=True):
            about = {"labels": name, "metric": metric, "unit": units[metric]}
            about |= dict(zip(("measured", "low", "high"), measured, strict=True))
            rows.append(about | {"source": hand.data.source, "people": len(np.unique(hand.owner))})
    return study.outcome(pd.DataFrame(rows), sources=study.labelled)


@held
def label_shares(study: Study) -> Outcome:
    """Extra 49: the share of speed and direction in the loss, by length of window, of a prediction
    that rests at the window's mean and of another's labels of the same film."""
    rows = []
    for name, hand in hands(study).items():
        ways = {"rests at the mean": None, "another's labels": hand.other}
        for length, said in product(study.sizes.lengths, ways):
            if said != "rests at the mean" and hand.other is None:
                continue
            if max(map(len, hand.tracks)) < length:
                continue
            rest, whole, owner = _terms(hand, ways[said], length)
            share = rest / np.where(whole > 0, whole, 1.0)
            how = {"draws": study.draws, "level": study.level}
            measured = metrics.bootstrap_ci(share, owner, whole, **how)
            about = {"labels": name, "prediction": said, "frames": length}
            about |= {"metric": "share of the loss", "unit": "fraction"}
            about |= dict(zip(("measured", "low", "high"), measured, strict=True))
            rows.append(about | {"source": hand.data.source})
    return study.outcome(pd.DataFrame(rows), sources=study.labelled)


def _terms(hand: Hand, answers: list | None, length: int) -> tuple[np.ndarray, ...]:
    """Speed and direction, the whole loss, and whose it is, of every window: (W,) each.

    answers   a prediction (T, 2) for each track; None: it rests at the mean of each window
    """
    parts, owner = [], []
    for k, track in enumerate(hand.tracks):
        y = _windows(track, length)
        x = (
            y.mean(1, keepdim=True).expand_as(y)
            if answers is None
            else _windows(answers[k], length)
        )
        x, y = x[: len(y)], y[: len(x)]  # two people's tracks differ by a frame
        if not len(y):
            continue
        terms = (("speed", "direction"), losses.TERMS)
        both = [losses.non_inertial(x, y, terms=of, reduction="none") for of in terms]
        parts.append(torch.stack(both))
        owner += [hand.owner[k]] * len(y)
    return *torch.cat(parts, 1).numpy(), np.array(owner)


def _windows(track: np.ndarray, length: int) -> Tensor:
    """Whole windows of a track (T, 2): float64 (W, length, 2)."""
    whole = len(track) // length * length
    return torch.as_tensor(track[:whole], dtype=torch.float64).view(-1, length, 2)


# ---------------------------------------------------------------- what it costs


class Counted(TorchDispatchMode):
    """Counts what runs inside: operations, and numbers they write."""

    def __init__(self):
        super().__init__()
        self.operations, self.numbers = 0, 0

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        out = function(*arguments, **(options or {}))
        self.operations += 1
        written = out if isinstance(out, (tuple, list)) else (out,)
        self.numbers += sum(value.numel() for value in written if isinstance(value, Tensor))
        return out


def count(loss, x: Tensor, y: Tensor) -> Counted:
    """What forward and backward of one loss take."""
    with Counted() as counted:
        loss(x, y).backward()
    return counted


def _batch(windows: int) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(0)
    x, y = (torch.rand(windows, FRAMES, 2, generator=g) for _ in range(2))
    return x.requires_grad_(), y


def network_flops(windows: int) -> int:
    """Operations of the Full network on a batch, forward and backward: two a multiply-add; the
    first layer needs no gradient below."""
    first, others = full_network_macs(fresh("orgil2021-text"))
    return 2 * windows * FRAMES * (2 * first + 3 * others)


@held
def costs(study: Study) -> Outcome:
    """What one batch of each loss takes, and that against the Full network's step on the batch."""
    flops, rows = network_flops(study.sizes.windows), []
    forms = {f"Non-Inertial, {name}": partial(form, name) for name in FORMS if name != "table"}
    for name, loss in (TRAINED | forms).items():
        counted = count(loss, *_batch(study.sizes.windows))
        for metric, value, unit_ in (
            ("operations started", float(counted.operations), "operations"),
            ("numbers written", float(counted.numbers), "numbers"),
            ("per million operations of the network", 1e6 * counted.numbers / flops, "numbers"),
        ):
            rows.append({"loss": name, "metric": metric, "measured": value, "unit": unit_})
    caps = asdict(study.sizes) | {"frames": FRAMES, "network_flops": flops}
    return study.outcome(pd.DataFrame(rows), caps=caps)


def timing(study: Study) -> pd.DataFrame:
    """Seconds of each loss and of the Full network, with gradients; to look at, in no file."""
    windows, rows, before = study.sizes.timed, [], torch.get_num_threads()
    torch.set_num_threads(runs.THREADS)
    try:
        x, y = _batch(windows)
        net = video.Full()
        inputs = {name: torch.rand(windows, FRAMES, wide) for name, wide in video.WIDTHS.items()}
        step = _median(lambda: net(inputs).square().mean(), 2)
        for name, loss in TRAINED.items():
            loss(x, y).backward()  # the first call is slower
            seconds = _median(partial(loss, x, y), study.sizes.repeats)
            rows.append(
                {
                    "loss": name,
                    "windows": windows,
                    "frames": FRAMES,
                    "loss, ms": round(1e3 * seconds, 2),
                    "network, ms": round(1e3 * step, 1),
                    "loss in a step": f"{100 * seconds / (seconds + step):.2f} %",
                }
            )
    finally:
        torch.set_num_threads(before)
    return pd.DataFrame(rows)


def _median(forward, repeats: int) -> float:
    """Median seconds of `forward` and its gradient."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        forward().backward()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


# ---------------------------------------------------------------- plan

FORMS = {
    "table": {},
    "half": {"reading": "half"},
    "Eq. 3 to 6": {"reading": "eq3"},
    "appendix, bars outside": {"reading": "appendix"},
    "appendix, bars inside": {"reading": "appendix", "absolute": "element"},
}


def form(name: str, x: Tensor, y: Tensor, **options) -> Tensor:
    """The non-inertial loss in the form called `name`."""
    return losses.non_inertial(x, y, **FORMS[name], **options)


@dataclass(frozen=True)
class Sizes:
    """What a profile costs in notebook 10."""

    step: float = 1.0  # of the annotated point; 1: 0.36, far above that of a real frame (0.001)
    starts: int = 21  # of the descents, from edge to edge of the disc
    steps: int = 250  # of each descent
    videos: int = 60  # whose annotation is read, the first of the set
    length: int = 128  # frames in a window
    lengths: tuple[int, ...] = (32, 64, 128, 256, 512)  # where the share of the new terms is read
    windows: int = 64  # in the batch whose cost is counted (the paper's 64 x 256)
    timed: int = 4  # windows in the batch that is timed
    repeats: int = 9  # of each timing; the median is shown


class Study(runs.Study):
    """The forms of the non-inertial loss (orgil2021, 2.1.3 and appendix)."""

    SIZES = {
        "smoke": Sizes(starts=7, steps=200, windows=4, timed=1, repeats=3, lengths=(32, 128)),
        "quick": Sizes(),
        "overnight": Sizes(videos=298, timed=64),
        "full": Sizes(videos=298, timed=64),
    }

    @part
    def world(self):
        """The annotated videos, real where they are at hand; only their annotation is read here."""
        return self._world(0)

    @part
    def worlds(self) -> list:
        """As many simulated worlds as a claim asks for; of the real set there is one."""
        if self.world.source == "real":
            return [self.world]
        return [self.world, *(self._world(seed) for seed in range(1, WORLDS))]

    @part
    def felt(self):
        """What 32 people felt, by joystick (CEAP-360VR); None where it is not at hand."""
        return datasets.load("ceap360vr") if datasets.at_hand("ceap360vr") else None

    @part
    def shown(self) -> tuple:
        """What a film's characters show: observers who saw and heard it, others who heard it."""
        return tuple(datasets.load("studyforrest", observers=who) for who in ("av", "ao"))

    @property
    def labelled(self) -> tuple:
        """Every set whose labels stand in a table of `hands`."""
        return tuple(made for made in (self.felt, self.shown[0], self.world) if made is not None)

    @property
    def people(self):
        """Whose labels decide how large the new terms are: Aff-Wild's, else those of CEAP-360VR."""
        return self.world if self.world.source == "real" or self.felt is None else self.felt

    def _world(self, seed: int):
        made = datasets.load("aff_wild", profile=self.profile, seed=seed)
        return made.select(np.arange(min(len(made), self.sizes.videos)))

    @part
    def annotated(self) -> tuple[Tensor, np.ndarray]:
        """The windows of the world."""
        return self.windows_of(self.world)

    def windows_of(self, made) -> tuple[Tensor, np.ndarray]:
        """Whole windows of annotation, float64 (W, T, 2), and the person or video of each (W,)."""
        length, windows, owner = self.sizes.length, [], []
        for i, track in enumerate(made.valence_arousal):
            gone = made.missing[i] if made.missing is not None else np.zeros(len(track), bool)
            for start in range(0, len(track) - length + 1, length):
                if not gone[start : start + length].any():
                    windows.append(track[start : start + length])
                    owner.append(made.subject[i])
        return torch.as_tensor(np.stack(windows), dtype=torch.float64), np.array(owner)

    @property
    def moment(self) -> Tensor:
        """Three annotated frames (3, 2), valence and arousal."""
        points = [[-0.2, -0.4], [0.0, -0.1], [0.2, 0.2]]
        return self.sizes.step * torch.tensor(points, dtype=torch.float64)

    @property
    def mirror(self) -> Tensor:
        """A third frame that moves as fast as annotated, the opposite way (2,)."""
        return 2 * self.moment[1] - self.moment[2]

    def predicted(self, last: Tensor) -> tuple[Tensor, Tensor]:
        """Predictions, right but in their `last` frame (N, 2), and annotation: (N, 3, 2) each."""
        target = self.moment.expand(len(last), -1, -1)
        return torch.cat([target[:, :-1], last[:, None]], dim=1), target
