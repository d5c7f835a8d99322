"""The order of work: shrink, filter, weigh, grow, add, a piece of the film at a time."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from emolib.evm import bands, pyramid
from emolib.ground.errors import EmolibError, nearest

MODES = ("color", "motion")
FILTERS = ("ideal", "butterworth", "iir")
GAINS = {"1+alpha": 1.0, "1+alpha/2": 0.5}
DTYPES = ("uint8", "float16", "float32", "float64", "bfloat16")
PIECE = 32  # frames worked on at once
TO_YIQ = np.array(
    [[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]]
)


class TooShort(UserWarning):
    """The clip holds less than one period of the low edge."""


class TooLarge(UserWarning):
    """Motions times 1 + alpha pass an eighth of a wavelength: edges tear instead of moving."""


@dataclass(frozen=True)
class Settings:
    """The arguments of `magnify`, checked."""

    fps: float
    low: float
    high: float
    alpha: float
    mode: str = "color"
    filter: str = "ideal"
    gain: str = "1+alpha"
    levels: int | None = None
    wavelength: float = 8.0
    chroma: float = 1.0
    order: int = 2

    def __post_init__(self):
        for name, known in (("mode", MODES), ("filter", FILTERS), ("gain", GAINS)):
            if getattr(self, name) not in known:
                raise nearest(getattr(self, name), known, what=name)
        half, whole = self.fps / 2, isinstance(self.levels, int)
        edge = f"half the frame rate, {half:g} Hz at {self.fps:g} frames a second"
        sharp = self.filter == "butterworth"
        for name, good, expected in (
            ("fps", 0 < self.fps < np.inf, "a number above 0"),
            ("low", 0 < self.low < np.inf, "a frequency above 0 Hz"),
            ("high", self.high > self.low, f"a frequency above low, {self.low:g} Hz"),
            ("high", self.high <= half, f"at most {edge}"),
            ("high", self.high < half or not sharp, f"less than {edge}"),
            ("alpha", 0 <= self.alpha < np.inf, "a number, 0 or above"),
            ("wavelength", 0 <= self.wavelength < np.inf, "pixels, 0 or above"),
            ("chroma", 0 <= self.chroma <= 1, "0 to 1"),
            ("order", 1 <= self.order <= 8, "1 to 8"),
            (
                "levels",
                self.levels is None or (whole and 0 <= self.levels <= 10),
                "a whole number, 0 to 10",
            ),
        ):
            if not good:
                raise EmolibError(f"{name} is {getattr(self, name)}: expected {expected}")

    @property
    def factor(self) -> float:
        """What the band is multiplied by before it is added."""
        return self.alpha * GAINS[self.gain]


def magnify(
    video,
    fps: float,
    low: float,
    high: float,
    alpha: float,
    mode: str = "color",
    filter: str = "ideal",
    gain: str = "1+alpha",
    **more,
):
    """The film with what changes between `low` and `high` Hz magnified: same kind, shape and dtype.

    video       (T, H, W, C), array or tensor, uint8 (dithered and clipped) or floating point
    mode        'color': level `levels` of a Gaussian pyramid, so areas, not edges. 'motion': a
                Laplacian pyramid without its finest level (mostly noise) and its top
    filter      'ideal' (whole clip), 'butterworth' (`order` 2) or 'iir' (both causal): see `bands`
    gain        in the band: '1+alpha' (the paper's Eq. 1.5), or '1+alpha/2', what programs give
                that keep one half of the spectrum
    levels      halvings; default: 'color' 4, 'motion' as often as leaves 4 lines or more
    wavelength  8 pixels, motion only: shorter waves are magnified less, by wave (1 + alpha) /
                wavelength - 1 (from the bound (1 + alpha) * displacement < wavelength / 8)
    chroma      1, or down to 0: share of the factor for colour (I and Q of YIQ) beside brightness

    Warns TooShort and (mode 'motion') TooLarge. EmolibError for a band beyond half the frame rate
    or between the clip's frequencies, another shape or dtype, fps <= 0.
    Wu et al., Eulerian video magnification, ACM Trans. Graph. 31(4), 2012.
    """
    asked = Settings(fps, low, high, alpha, mode, filter, gain, **more)
    frames = as_frames(video)
    check_length(len(frames), asked)
    out = pyramid.room(frames.shape, frames.dtype, frames.device)
    worker = Worker(asked, frames)
    shape = (len(frames), *worker.step.small, frames.shape[3])
    small = pyramid.room(shape, worker.real, frames.device)
    for piece, into in zip(frames.split(PIECE), small.split(PIECE)):
        worker.shrink(piece, into)
    some = few(len(frames))
    mean = small[some].mean(0) if mode == "motion" else None
    band = bands.ideal(small, fps, low, high) if filter == "ideal" else worker.causal(small)
    del small
    if mode == "motion":
        warn_large(band[some], mean, worker)
    for piece, part, into in zip(frames.split(PIECE), band.split(PIECE), out.split(PIECE)):
        worker.add(piece, part, into)
    return out.numpy() if isinstance(video, np.ndarray) else out


def stream(
    frames: Iterable,
    fps: float,
    low: float,
    high: float,
    alpha: float,
    mode: str = "color",
    filter: str = "iir",
    gain: str = "1+alpha",
    **more,
) -> Iterator:
    """`magnify` for a film of any length at constant memory: the same, one for one.

    frames   (H, W, C), or pieces (n, H, W, C)
    Only the causal filters ('iir', 'butterworth'); no warning can be given beforehand.
    """
    asked = Settings(fps, low, high, alpha, mode, filter, gain, **more)
    if filter == "ideal":
        raise EmolibError(
            "filter is ideal: it needs the whole film at once; "
            "stream with 'butterworth' or 'iir', or use magnify"
        )
    return _streamed(frames, asked)


def _streamed(frames, asked):
    worker = None
    for given in frames:
        single = np.ndim(given) == 3
        piece = as_frames(given[None] if single else given)
        kind = (tuple(piece.shape[1:]), piece.dtype)
        if worker is None:
            worker, first = Worker(asked, piece), kind
        if kind != first:
            raise EmolibError(
                f"a piece of frames {kind[0]} {kind[1]} came after {first[0]} {first[1]}; "
                "expected one size and dtype"
            )
        out = pyramid.room(piece.shape, piece.dtype, piece.device)
        for part, into in zip(piece.split(PIECE), out.split(PIECE)):
            worker.add(part, worker.causal(worker.shrink(part)), into)
        out = out[0] if single else out
        yield out.numpy() if isinstance(given, np.ndarray) else out


def as_frames(video) -> torch.Tensor:
    """The film as a tensor that shares its memory; EmolibError for what is none."""
    if not isinstance(video, (np.ndarray, torch.Tensor)):
        raise EmolibError(
            f"the video is a {type(video).__name__}: "
            "expected an array or tensor (frames, height, width, channels)"
        )
    if video.ndim != 4 or 0 in video.shape:
        raise EmolibError(
            f"the video has shape {tuple(video.shape)}: expected (frames, height, width, "
            "channels), none of them 0; grey pictures have 1 channel"
        )
    name = str(video.dtype).removeprefix("torch.")
    if name not in DTYPES:
        raise EmolibError(
            f"the video is of dtype {name}: expected uint8 (0 to 255) or floating point"
        )
    if isinstance(video, torch.Tensor):
        return video.detach()
    native = video.astype(video.dtype.newbyteorder("="), copy=False)
    with warnings.catch_warnings():
        # read-only arrays: nothing here writes to them
        warnings.simplefilter("ignore", UserWarning)
        return torch.from_numpy(np.ascontiguousarray(native))


def check_length(count: int, asked: Settings) -> None:
    """Warns of a clip shorter than a period; EmolibError where no frequency is in the band."""
    fps, low, high = asked.fps, asked.low, asked.high
    if asked.filter == "ideal" and not bands.bins(count, fps, low, high).any():
        raise EmolibError(
            f"{count} frames at {fps:g} a second have no frequency between {low:g} and {high:g} Hz,"
            f" only multiples of {fps / count:.3g} Hz; "
            "give a longer clip, a wider band or another filter"
        )
    if count < fps / low:
        text = (
            f"{count} frames at {fps:g} a second hold less than one period of {low:g} Hz "
            f"({fps / low:.1f} frames): magnify the whole film, then cut"
        )
        warnings.warn(text, TooShort, stacklevel=3)


class Worker:
    """One film's pyramid: its steps, the weight of each level, and a causal filter's state."""

    def __init__(self, asked: Settings, frames: torch.Tensor):
        height, width, channels = frames.shape[1:]
        if asked.chroma < 1 and channels != 3:
            raise EmolibError(
                f"chroma is {asked.chroma:g} with {channels} channels: "
                "only the three of a colour picture have a chrominance"
            )
        self.asked, device = asked, frames.device
        self.real = torch.float64 if frames.dtype == torch.float64 else torch.float32
        compiled = device.type == "cpu" and frames.dtype in (torch.uint8, torch.float32)
        first, last = _levels(asked, min(height, width))
        self.weights = [asked.factor]
        if asked.mode == "motion":
            self.weights = _gaussian(attenuated(asked, range(first, last)))
        self.step = pyramid.Steps(height, width, first, self.real, device, compiled)
        self.further = []
        for k in range(first, last):
            size = (pyramid.side(height, k), pyramid.side(width, k))
            self.further.append(pyramid.Steps(*size, 1, self.real, device, compiled))
        self.colours = None
        if asked.chroma < 1:
            share = np.linalg.inv(TO_YIQ) @ np.diag([1, asked.chroma, asked.chroma]) @ TO_YIQ
            self.colours = torch.as_tensor(share.T.copy(), dtype=self.real, device=device)
        self.causal = None
        if asked.filter != "ideal":
            self.causal = bands.Causal(asked.filter, asked.fps, asked.low, asked.high, asked.order)

    def shrink(self, frames: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        return self.step.shrink(frames, out)

    def weighed(self, band: torch.Tensor) -> torch.Tensor:
        """sum_l c_l grow(B(G_l)) at the first level, from B(G_first), which may be overwritten."""
        if self.colours is not None:
            band = band @ self.colours
        weight, levels = self.weights, [band]
        if len(weight) == 1:
            return scaled(band, weight[0])
        for step in self.further:
            levels.append(step.shrink(levels[-1]))
        out = scaled(levels[-1], weight[-1])
        for step, level, own in zip(self.further[::-1], levels[-2::-1], weight[-2::-1]):
            out = step.grow_onto(level, out, own)
        return out

    def add(self, frames: torch.Tensor, band: torch.Tensor, out: torch.Tensor) -> None:
        self.step.add_to(frames, self.weighed(band), out)


def scaled(x: torch.Tensor, factor: float) -> torch.Tensor:
    """x times factor, in place; on the CPU by NumPy, which waits for no threads."""
    if x.device.type == "cpu":
        np.multiply(x.numpy(), factor, out=x.numpy())
        return x
    return x.mul_(factor)


def few(count: int, most: int = 32) -> list[int]:
    """At most `most` frames of a clip, spread over it without a period of their own."""
    return sorted({int(k * 0.6180339887498949 % 1 * count) for k in range(most)})


def _levels(asked: Settings, shortest: int) -> tuple[int, int]:
    """First and last level of the pyramid that are used, for the picture's shorter side."""
    if asked.mode == "color":
        default = min(4, max(0, int(np.log2(max(1, shortest / 8)))))
        level = default if asked.levels is None else asked.levels
        return level, level
    default = int(np.log2(max(1, shortest / 4)))
    return 1, max(2, default if asked.levels is None else asked.levels)


def attenuated(asked: Settings, levels) -> dict[int, float]:
    """The factor of each Laplacian level: less where its waves are shorter than `wavelength`."""
    if not asked.wavelength:
        return dict.fromkeys(levels, asked.factor)
    factor = {}
    for k in levels:
        bound = pyramid.passed(k) * (1 + asked.factor) / asked.wavelength - 1
        factor[k] = float(np.clip(bound, 0, asked.factor))
    return factor


def _gaussian(factor: dict[int, float]) -> list[float]:
    """Weights of the Gaussian levels that stand for these factors of the Laplacian ones.

    The finest level, left out, also holds a quarter of what the next loses to the one after it: so
    a quarter of that loss is added.
    """
    first, last = min(factor), max(factor)
    weight = {k: factor[k] - factor.get(k - 1, 0.0) for k in factor} | {last + 1: -factor[last]}
    weight[first] += factor[first] / 4
    weight[first + 1] -= factor[first] / 4
    return list(weight.values())


def warn_large(band: torch.Tensor, mean: torch.Tensor, worker: Worker) -> None:
    """Warns where motion times 1 + factor passes wavelength / 8 (Wu et al., Eq. 14)."""
    asked, scale = worker.asked, 2.0**worker.step.times
    moved, wave = displacement(band, mean)
    if moved is None or not asked.factor:
        return
    moved, wave = moved * scale, max(wave * scale, asked.wavelength)
    if (1 + asked.factor) * moved > wave / 8:
        most = max(0.0, (wave / 8 / moved - 1) / GAINS[asked.gain])
        text = (
            f"motions of about {moved:.2g} pixels times {1 + asked.factor:g} pass an eighth of the "
            f"wavelength of {wave:.0f} pixels: edges will tear; take alpha below {most:.2g} or a "
            "longer wavelength"
        )
        warnings.warn(text, TooLarge, stacklevel=3)


def displacement(band: torch.Tensor, mean: torch.Tensor, tiles: int = 8):
    """Amplitude of motion and wavelength of what moves, in pixels of this level, or (None, 0.0).

    In each tile: motion = rms(B) / rms(dG/dx), wavelength = 2 pi rms(G) / rms(dG/dx), exact for a
    sine. Of the structured tiles the one at the 95th percentile of motion counts.
    """
    if min(mean.shape[:2]) < 3:
        return None, 0.0
    gy, gx = torch.zeros_like(mean), torch.zeros_like(mean)
    gy[1:-1], gx[:, 1:-1] = (mean[2:] - mean[:-2]) / 2, (mean[:, 2:] - mean[:, :-2]) / 2
    slope, power = (gy**2 + gx**2).sum(-1), 2 * (band**2).mean(0).sum(-1)
    level = ((mean - mean.mean((0, 1))) ** 2).sum(-1)
    count = (min(tiles, mean.shape[0] - 2), min(tiles, mean.shape[1] - 2))
    pool = torch.nn.AdaptiveAvgPool2d(count)

    def tiled(x):
        return pool(x[None, None, 1:-1, 1:-1])[0, 0].flatten().double().cpu().numpy()

    slope, power, level = tiled(slope), tiled(power), tiled(level)
    some = slope > max(0.1 * slope.mean(), 1e-12)
    if not some.any():
        return None, 0.0
    moved, wave = np.sqrt(power[some] / slope[some]), 2 * np.pi * np.sqrt(level[some] / slope[some])
    at = np.argsort(moved)[int(np.ceil(0.95 * some.sum())) - 1]
    return float(moved[at]), float(wave[at])
