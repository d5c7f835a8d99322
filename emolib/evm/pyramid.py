"""The pyramids of Eulerian magnification as separable linear filters.

Burt and Adelson (1983): a level is the one below, smoothed by (1, 4, 6, 4, 1) / 16 along both axes,
every second line kept. Growing puts zeros between the lines and smooths by twice that. Ends are
mirrored without repeating the last line. All this is linear, and so is the temporal filter B: their
order is free. Hence one filtered level is enough, at most a quarter of a frame:

    colour   out = frame + a * grow(B(G_s))                G_s: the frame shrunk s times
    motion   out = frame + sum_l a_l * grow^l(B(L_l)),     L_l = G_l - grow(G_{l+1}), s <= l < top
                 = frame + sum_l c_l * grow^l(B(G_l)),     c_l = a_l - a_{l-1}
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

KERNEL = np.array([1, 4, 6, 4, 1]) / 16


@dataclass(frozen=True)
class Table:
    """A sparse matrix along one axis: output line i is the sum of weight[i, k] * line at[i, k]."""

    at: np.ndarray  # int64 (out, taps)
    weight: np.ndarray  # float64 (out, taps)
    dense: np.ndarray  # float64 (out, in): the same

    @classmethod
    def of(cls, dense: np.ndarray) -> Table:
        taps = int((dense != 0).sum(1).max())
        order = np.sort(np.argsort(dense == 0, axis=1, kind="stable")[:, :taps], axis=1)
        return cls(order, np.take_along_axis(dense, order, 1), dense)

    def padded(self, multiple: int, dtype) -> tuple[np.ndarray, np.ndarray]:
        """`at` and `weight` with taps of weight 0 added up to a multiple."""
        more = ((0, 0), (0, -self.at.shape[1] % multiple))
        return np.pad(self.at, more, mode="edge"), np.pad(self.weight, more).astype(dtype)


def _mirrored(at: np.ndarray, length: int) -> np.ndarray:
    """Indices beyond either end, mirrored about the first and the last line."""
    if length == 1:
        return np.zeros_like(at)
    at = np.abs(at) % (2 * length - 2)
    return np.where(at >= length, 2 * length - 2 - at, at)


def shrinking(length: int) -> np.ndarray:
    """(ceil(length / 2), length): one level down."""
    out = np.zeros(((length + 1) // 2, length))
    for i, row in enumerate(out):
        np.add.at(row, _mirrored(np.arange(2 * i - 2, 2 * i + 3), length), KERNEL)
    return out


def growing(length: int) -> np.ndarray:
    """(length, ceil(length / 2)): one level up; each row sums to 1."""
    small = (length + 1) // 2
    out = np.zeros((length, small))
    for i, row in enumerate(out):
        lines = np.arange(i - 2, i + 3)
        full = lines % 2 == 0
        np.add.at(row, _mirrored(lines[full] // 2, small), 2 * KERNEL[full])
    return out


@lru_cache(maxsize=64)
def between(length: int, times: int) -> tuple[Table, Table]:
    """The tables that shrink an axis of `length` lines `times` times, and grow it back."""
    down = up = np.eye(length)
    for _ in range(times):
        n = len(down)
        down, up = shrinking(n) @ down, up @ growing(n)
    return Table.of(down), Table.of(up)


def side(length: int, times: int) -> int:
    for _ in range(times):
        length = (length + 1) // 2
    return length


def passed(level: int) -> float:
    """The wavelength, in pixels of the frame, that a level of the Laplacian pyramid holds best.

    G_l, grown back, responds with the product of cos(2**k w / 2)**8 over k < l; L_l is the
    difference of two such. Level 0 holds all that is shorter; it is given half of level 1's.
    """
    if level == 0:
        return passed(1) / 2
    waves = np.geomspace(2.0, 4096.0, 4001)
    inside = np.ones_like(waves)
    for k in range(level):
        inside *= np.where(waves > 2.0 ** (k + 2) * 0.999, np.cos(np.pi * 2.0**k / waves) ** 8, 0)
    response = inside * (1 - np.cos(np.pi * 2.0**level / waves) ** 8)
    return float(waves[response.argmax()])


def dither(wide: int, lines: int = 4) -> np.ndarray:
    """(lines, wide) in 0.01 to 0.99: where a pixel is rounded up, so that an area's mean is right.

    Plain rounding would add one number over a whole cheek. Plastic sequence (Roberts 2018).
    """
    x, y = np.arange(wide), np.arange(lines)[:, None]
    return 0.01 + 0.98 * ((0.7548776662466927 * x + 0.5698402909980532 * y) % 1)


def room(shape, dtype: torch.dtype, device: torch.device | str = "cpu") -> torch.Tensor:
    """An empty tensor; on the CPU NumPy's, whose large pages are first touched sooner."""
    if torch.device(device).type == "cpu" and dtype != torch.bfloat16:
        return torch.from_numpy(np.empty(shape, str(dtype).removeprefix("torch.")))
    return torch.empty(shape, dtype=dtype, device=device)


class Steps:
    """Shrinks frames (T, height, width, C) `times` times and grows them back.

    compiled   by numba, for uint8 and float32 on the CPU; else by tensors
    """

    def __init__(self, height, width, times: int, real, device, compiled: bool):
        self.height, self.width, self.times = height, width, times
        self.compiled, self.real = compiled, real
        (down_y, up_y), (down_x, up_x) = between(height, times), between(width, times)
        self.small = (len(down_y.at), len(down_x.at))
        self.thresholds = None
        if compiled:
            from emolib.evm import loops

            self.loops, real = loops, np.float32
            self.down, self.up = down_y.padded(loops.TAPS, real), up_y.padded(loops.GROWN, real)
            self.lengths = np.array([side(width, k) for k in range(times)][::-1], np.int64)
        else:
            tables = (down_y, down_x, up_y, up_x)
            dense = [torch.as_tensor(t.dense, dtype=real, device=device) for t in tables]
            self.down, self.up = dense[:2], dense[2:]

    def _shared(self, loop, count: int, *arguments) -> None:
        self.loops.shared(loop, count, torch.get_num_threads(), *arguments)

    def shrink(self, frames: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """(T, H, W, C) of any dtype -> (T, h, w, C), real; into `out` where it is given."""
        count, channels = frames.shape[0], frames.shape[3]
        if self.compiled:
            out = room((count, *self.small, channels), self.real) if out is None else out
            source = frames.contiguous().numpy()
            self._shared(self.loops.shrink, count, source, *self.down, self.times, out.numpy())
            return out
        flat = frames.to(self.real).reshape(count, self.height, -1)
        rows = torch.matmul(self.down[0], flat).reshape(count, -1, self.width, channels)
        small = torch.einsum("xw,thwc->thxc", self.down[1], rows)  # (T, h, w, C)
        return small if out is None else out.copy_(small)

    def _grown(self, small: torch.Tensor) -> torch.Tensor:
        count, channels = small.shape[0], small.shape[3]
        wider = torch.einsum("wx,thxc->thwc", self.up[1], small)
        wider = wider.reshape(count, self.small[0], -1)  # (T, h, W*C)
        return torch.matmul(self.up[0], wider).reshape(count, self.height, self.width, channels)

    def grow_onto(self, base: torch.Tensor, small: torch.Tensor, share: float) -> torch.Tensor:
        """share * base + the grown `small`; `base` may be overwritten."""
        if not self.compiled:
            return share * base + self._grown(small)
        arguments = (small.numpy(), *self.up, self.lengths, base.numpy(), np.float32(share))
        self._shared(self.loops.grow, len(base), *arguments)
        return base

    def add_to(self, frames: torch.Tensor, small: torch.Tensor, out: torch.Tensor) -> None:
        """out = frames + the grown `small`; whole numbers are dithered and clipped to 0 .. 255."""
        whole = frames.dtype == torch.uint8
        if self.thresholds is None:
            limits = 1 - dither(self.width * frames.shape[3])
            self.thresholds = torch.as_tensor(limits, dtype=torch.float32, device=frames.device)
        if self.compiled:
            tables = (*self.up, self.lengths, out.numpy(), whole, self.thresholds.numpy())
            given = (frames.contiguous().numpy(), small.contiguous().numpy())
            self._shared(self.loops.add, len(out), *given, *tables)
            return
        total = frames.to(self.real) + self._grown(small)
        if whole:
            rows = torch.arange(self.height, device=frames.device) % len(self.thresholds)
            total = total + self.thresholds[rows].reshape(self.height, self.width, -1)
            total = total.clamp_(0, 255).floor_()
        out.copy_(total)
