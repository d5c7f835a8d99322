"""The spatial loops of `emolib.evm`, compiled by numba: imported where they are used.

Rows first when a picture shrinks: lines of a frame are contiguous in memory, and few are left for
the columns. Growing goes the other way. `row_at` and `row_weight` are a `pyramid.Table`; frames
`start` to `stop` are worked on, so that threads can share a piece.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from emolib.ground import compiled

kept = partial(compiled.kept, modules=[__name__], nogil=True, fastmath=True)

TAPS = 5  # lines summed in one sweep; the tables are padded to a multiple
GROWN = 4  # lines behind one line of a grown picture, at most, however often it grows


def part(function):
    """A piece of a loop: small functions are what the compiler turns into vector code."""
    import numba

    return numba.njit(nogil=True, fastmath=True)(function)


@part
def _mirrored(i, length):
    """An index beyond either end, mirrored about the first and the last line."""
    if length == 1:
        return 0
    i = abs(i) % (2 * length - 2)
    return i if i < length else 2 * length - 2 - i


@part
def _summed(lines, at, weight, out):
    """out = sum of weight[k] * lines[at[k]], TAPS at a time."""
    real = out.dtype.type
    out[:] = 0
    for k in range(0, len(at), TAPS):
        v, w, x, y, z = weight[k], weight[k + 1], weight[k + 2], weight[k + 3], weight[k + 4]
        a, b, c = lines[at[k]], lines[at[k + 1]], lines[at[k + 2]]
        d, e = lines[at[k + 3]], lines[at[k + 4]]
        for i in range(len(out)):
            out[i] += (
                v * real(a[i]) + w * real(b[i]) + x * real(c[i]) + y * real(d[i]) + z * real(e[i])
            )


@part
def _narrower(line, length, channels, room, real):
    """Every second of the first `length` pixels, smoothed by (1, 4, 6, 4, 1) / 16; how many."""
    two, wide = 2 * channels, length * channels
    for x in range(wide):
        room[two + x] = line[x]
    for p in range(2):
        for c in range(channels):
            room[(1 - p) * channels + c] = line[_mirrored(-1 - p, length) * channels + c]
            room[two + wide + p * channels + c] = line[_mirrored(length + p, length) * channels + c]
    one, four, six = real(0.0625), real(0.25), real(0.375)
    for x in range(wide):
        line[x] = (
            one * (room[x] + room[x + 2 * two])
            + four * (room[x + channels] + room[x + two + channels])
            + six * room[x + two]
        )
    small = (length + 1) // 2
    for x in range(small):
        for c in range(channels):
            line[x * channels + c] = line[x * two + c]
    return small


@kept
def shrink(frames, row_at, row_weight, times, out, start, stop):
    """frames (T, H, W, C) of any dtype -> out (T, h, w, C), real."""
    count, tall, long, channels = frames.shape
    height, wide = out.shape[1], long * channels
    flat = frames.reshape(count, tall, wide)
    target = out.reshape(count, height, -1)
    real = out.dtype.type
    for t in range(start, stop):
        line, room = np.empty(wide, out.dtype), np.empty(wide + 4 * channels, out.dtype)
        for y in range(height):
            _summed(flat[t], row_at[y], row_weight[y], line)
            length = long
            for _ in range(times):
                if channels == 3:  # said as a constant, it makes the loops four times as fast
                    length = _narrower(line, length, 3, room, real)
                else:
                    length = _narrower(line, length, channels, room, real)
            target[t, y] = line[: length * channels]


@part
def _wider(line, length, channels, room, real):
    """As many as `length`: even pixels (1, 6, 1) / 8 of three, odd ones the mean of two."""
    small = (length + 1) // 2
    wide = small * channels
    for x in range(wide):
        room[channels + x] = line[x]
    for c in range(channels):
        room[c] = line[_mirrored(-1, small) * channels + c]
        room[channels + wide + c] = line[_mirrored(small, small) * channels + c]
    eighth, most, half = real(0.125), real(0.75), real(0.5)
    for x in range(small):
        at = x * channels
        for c in range(channels):
            left, here, right = room[at + c], room[at + channels + c], room[at + 2 * channels + c]
            line[2 * at + c] = eighth * (left + right) + most * here
            line[2 * at + channels + c] = half * (here + right)


@part
def _all_wider(small, lengths, channels, room, wider, real):
    for y in range(small.shape[0]):
        line = wider[y]
        line[: small.shape[1]] = small[y]
        for length in lengths:
            if channels == 3:
                _wider(line, length, 3, room, real)
            else:
                _wider(line, length, channels, room, real)


@part
def _onto(into, share, lines, at, weight):
    v, w, x, z = weight[0], weight[1], weight[2], weight[3]
    a, b, c, d = lines[at[0]], lines[at[1]], lines[at[2]], lines[at[3]]
    for i in range(len(into)):
        into[i] = share * into[i] + v * a[i] + w * b[i] + x * c[i] + z * d[i]


@part
def _onto_real(there, lines, at, weight, into):
    v, w, x, z = weight[0], weight[1], weight[2], weight[3]
    a, b, c, d = lines[at[0]], lines[at[1]], lines[at[2]], lines[at[3]]
    for i in range(len(into)):
        into[i] = there[i] + (v * a[i] + w * b[i] + x * c[i] + z * d[i])


@part
def _onto_whole(there, lines, at, weight, into, threshold):
    real = weight.dtype.type
    v, w, x, z = weight[0], weight[1], weight[2], weight[3]
    a, b, c, d = lines[at[0]], lines[at[1]], lines[at[2]], lines[at[3]]
    low, high = real(0), real(255)
    for i in range(len(into)):
        total = real(there[i]) + v * a[i] + w * b[i] + x * c[i] + z * d[i] + threshold[i]
        into[i] = np.int32(min(max(total, low), high))


@kept
def grow(small, row_at, row_weight, lengths, base, share, start, stop):
    """base (T, H, W, C), real, becomes share * base + the grown `small` (T, h, w, C).

    lengths   widths on the way up; the last is W
    """
    count, tall, long, channels = base.shape
    wide, real = long * channels, base.dtype.type
    flat, target = small.reshape(count, small.shape[1], -1), base.reshape(count, tall, wide)
    for t in range(start, stop):
        wider = np.empty((small.shape[1], wide + channels), base.dtype)
        room = np.empty(wide + 4 * channels, base.dtype)
        _all_wider(flat[t], lengths, channels, room, wider, real)
        for y in range(tall):
            _onto(target[t, y], share, wider, row_at[y], row_weight[y])


@kept
def add(frames, small, row_at, row_weight, lengths, out, whole, thresholds, start, stop):
    """out (T, H, W, C) = frames + the grown `small`.

    whole   cut to 0 .. 255 and rounded up from `thresholds` (lines, W * C) on
    """
    count, tall, long, channels = frames.shape
    wide, real = long * channels, small.dtype.type
    flat = small.reshape(count, small.shape[1], -1)
    source, target = frames.reshape(count, tall, wide), out.reshape(count, tall, wide)
    for t in range(start, stop):
        wider = np.empty((small.shape[1], wide + channels), small.dtype)
        room = np.empty(wide + 4 * channels, small.dtype)
        _all_wider(flat[t], lengths, channels, room, wider, real)
        for y in range(tall):
            at, weight = row_at[y], row_weight[y]
            if whole:
                limit = thresholds[y % len(thresholds)]
                _onto_whole(source[t, y], wider, at, weight, target[t, y], limit)
            else:
                _onto_real(source[t, y], wider, at, weight, target[t, y])


def shared(loop, count: int, threads: int, *arguments) -> None:
    """`loop` over `count` frames, in `threads` threads."""
    cuts = np.linspace(0, count, min(threads, count) + 1).astype(int).tolist()
    if len(cuts) == 2:
        loop(*arguments, 0, count)
        return
    with ThreadPoolExecutor(len(cuts) - 1) as pool:
        list(pool.map(lambda a, b: loop(*arguments, a, b), cuts[:-1], cuts[1:]))
