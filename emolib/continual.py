"""Continual learning by image processing on the weights of the last layer (orgil2022, section 3.3),
and what to hold it against.

A head is a pair (weight, bias): weight (..., C, F), one row per class, bias (..., C). Functions
take heads and return a new head of the same type and device; inputs are never written to. Leading
axes are networks, transformed together. A head "with an unknown row" holds it last: the class of
everything that is none of its own classes.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor
from torch.nn.functional import normalize

from emolib.ground.errors import EmolibError

Head = tuple[Tensor, Tensor]


class NothingPruned(UserWarning):
    """The interval of prune_histogram was empty: no weight was touched."""


def _checked(weight: Tensor, bias: Tensor, what: str = "head") -> Head:
    if weight.ndim < 2 or weight.shape[:-1] != bias.shape:
        raise EmolibError(
            f"{what}: weight {tuple(weight.shape)} and bias {tuple(bias.shape)} do not belong "
            "together; expected (..., classes, features) and (..., classes)"
        )
    return weight, bias


# ---------------------------------------------------------------- joining an old and a new head


def concatenate(old: Head, new: Head) -> Head:
    """The rows of `old`, then those of `new`: (..., N, F) and (..., K, F) -> (..., N + K, F)
    (orgil2022, Eq. 3.10).

    "Plain concatenation": nothing is blended; N + 1 and K + 1 rows with two unknown ones give
    N + 1 + K + 1.
    """
    (w_old, b_old), (w_new, b_new) = _checked(*old, "old head"), _checked(*new, "new head")
    if w_old.shape[-1] != w_new.shape[-1]:
        raise EmolibError(
            f"heads on {w_old.shape[-1]} and {w_new.shape[-1]} features cannot be joined; "
            "expected one body for both"
        )
    return torch.cat([w_old, w_new], -2), torch.cat([b_old, b_new], -1)


def alpha_blend(old: Head, new: Head, alpha: float | Tensor) -> Head:
    """Join two heads with an unknown row each into one with a single unknown row: (..., N + K + 1,
    F); u = alpha u_old + (1 - alpha) u_new, its weights and its bias (orgil2022, Eq. 3.7-3.11).

    old     (..., N + 1, F), new (..., K + 1, F), the unknown row last in both and in the result
    alpha   in [0, 1], a number or (...); the thesis takes N / (N + K) and does not say which row it
            weighs: the old one here, because it grows with the number of old classes

    Among the N + K named classes it answers as plain concatenation does, for every input: if the
    unknown answer counts as an error, blending can lose to it and never win.
    """
    for what, head in (("old", old), ("new", new)):
        if _checked(*head, f"{what} head")[0].shape[-2] < 2:
            raise EmolibError(
                f"{what} head: one row only; expected at least one class and the unknown row"
            )
    share = torch.as_tensor(alpha, dtype=old[0].dtype, device=old[0].device)
    if not ((share >= 0) & (share <= 1)).all():
        raise EmolibError(
            f"alpha is {alpha}: expected a number from 0 (new unknown row) to 1 (old unknown row)"
        )
    (w_old, b_old), (w_new, b_new) = old, new
    known = concatenate(
        (w_old[..., :-1, :], b_old[..., :-1]), (w_new[..., :-1, :], b_new[..., :-1])
    )
    wide = share[..., None]
    weight = wide * w_old[..., -1, :] + (1 - wide) * w_new[..., -1, :]  # (..., F)
    bias = share * b_old[..., -1] + (1 - share) * b_new[..., -1]  # (...)
    return concatenate(known, (weight[..., None, :], bias[..., None]))


# ---------------------------------------------------------------- transforms of one head


def prune_histogram(
    weight: Tensor, bias: Tensor, margin: float = 0.3, reading: str = "as_written"
) -> Head:
    """Set part of the weights to 0 by their place in the histogram (orgil2022, section 3.3.2).

    The thesis sets "threshold range" [min(W) + margin, max(W) - margin] and calls it pruning near
    zero. The bias stays.
    reading   'as_written': weights inside the interval (ends included) become 0, the tails stay
              'other': weights outside of it become 0, the middle stays
    margin    0 or more, in units of the weights; minimum and maximum are each network's own

    Weights that span no more than 2 * margin leave an empty interval: nothing is pruned, and a
    NothingPruned warning says so. As written, pruning twice is pruning once whenever the weights
    have both signs (otherwise 0 becomes a new extreme).
    """
    _checked(weight, bias)
    if reading not in ("as_written", "other"):
        raise EmolibError(f"reading '{reading}' is not known: expected 'as_written' or 'other'")
    if margin < 0:
        raise EmolibError(f"margin is {margin}: expected 0 or more")
    low, high = _ends(weight)
    empty = high - low <= 2 * margin
    if empty.any():
        span = float((high - low)[empty].max())
        warnings.warn(
            f"weights span {span:.3g}, no more than twice the margin of {margin:g}: "
            "nothing is pruned",
            NothingPruned,
            stacklevel=2,
        )
    inside = (weight >= low + margin) & (weight <= high - margin)
    gone = (inside if reading == "as_written" else ~inside) & ~empty
    return torch.where(gone, 0.0, weight), bias.clone()


def _ends(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Lowest and highest weight of each network, (..., 1, 1)."""
    return weight.amin((-2, -1), keepdim=True), weight.amax((-2, -1), keepdim=True)


def to_image(weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Weights as 8-bit images: (..., C, F) -> uint8 (..., C, F), the two ends (..., 1, 1).

    v = round(255 (w - low) / (high - low)), ties to even; equal weights give 0. `from_image` takes
    it back to within (high - low) / 510.
    """
    low, high = _ends(weight)
    span = torch.where(high > low, high - low, 1.0)
    return ((weight - low) / span * 255).round().to(torch.uint8), low, high


def from_image(image: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """The inverse of `to_image`: w = low + v / 255 (high - low), in the dtype of `low`."""
    return low + image.to(low.dtype) / 255 * (high - low)


def clahe_weights(
    weight: Tensor, bias: Tensor, clip: float = 100, tiles: tuple[int, int] = (2, 2)
) -> Head:
    """Contrast-limited adaptive histogram equalisation of the weights, seen as a picture.

    The weights become an 8-bit image (`to_image`), OpenCV's CLAHE is applied (clip limit 100 on 2 x
    2 tiles in the thesis, section 3.3.2 and Eq. 3.12), and the image becomes weights of the same
    range again. Equal weights come back as they were; the bias stays.

    clip    OpenCV's limit: a histogram bin of a tile may hold clip / 256 of its pixels (that share
            itself is scikit-image's `clip_limit`)
    tiles   across and down, as OpenCV counts them

    A tile knows its neighbours only: CLAHE depends on the order of classes and features, which
    means nothing in a head.
    """
    _checked(weight, bias)
    image, low, high = to_image(weight)
    equal = from_image(clahe(image, clip, tiles), low, high)
    return torch.where(high > low, equal, weight), bias.clone()


def clahe_clips(weight: Tensor, clip: float = 100, tiles: tuple[int, int] = (2, 2)) -> Tensor:
    """Does the clip limit act at all? bool (...): True where a histogram bin of a tile exceeds it.

    Where it does not, CLAHE is plain equalisation of each tile. Dense weights fill many of the 256
    values, so a limit of 100 (39 % of a tile in one bin) is out of reach: orgil2022's "contrast
    limited" limits nothing.
    """
    image, _, _ = to_image(weight)
    padded = _padded(image.reshape(-1, *image.shape[-2:]), tiles)
    counts, limit = _histograms(padded, clip, tiles)  # (B, down, across, 256)
    return (counts > limit).flatten(1).any(1).view(image.shape[:-2])


def clahe(image: Tensor, clip: float = 100, tiles: tuple[int, int] = (2, 2)) -> Tensor:
    """OpenCV's CLAHE on 8-bit images (..., H, W), to the last bit and all at once, without OpenCV.

    Each tile gets the table v -> 255 cdf(v) / pixels of its clipped histogram (the thesis prints
    Eq. 3.12 with cdf_min, which OpenCV leaves out); a pixel takes the bilinear mean of the tables
    of the four nearest tiles.
    """
    across, down = tiles
    if image.dtype != torch.uint8 or image.ndim < 2 or min(across, down) < 1 or clip <= 0:
        raise EmolibError(
            f"clahe: {image.dtype} {tuple(image.shape)}, clip {clip}, tiles {tiles}; "
            "expected uint8 (..., H, W), a clip limit above 0 and at least one tile each way"
        )
    height, width = image.shape[-2:]
    flat = image.reshape(-1, height, width)  # (B, H, W)
    padded = _padded(flat, tiles)
    tall, wide = padded.shape[-2] // down, padded.shape[-1] // across  # of a tile
    table = _tables(*_histograms(padded, clip, tiles), tall * wide).flatten(-3)
    row, low_y, share_y = _between(height, tall, down, image.device)
    column, low_x, share_x = _between(width, wide, across, image.device)
    value = flat.long()

    def at(y, x):  # (B, H, W)
        place = value + 256 * (y[:, None] * across + x)
        return table.gather(1, place.flatten(1)).view_as(flat)

    one = 1 - share_x
    top = at(low_y, low_x) * one + at(low_y, column) * share_x
    bottom = at(row, low_x) * one + at(row, column) * share_x
    mixed = top * (1 - share_y[:, None]) + bottom * share_y[:, None]
    return mixed.round().clamp(0, 255).to(torch.uint8).view_as(image)


def _padded(image: Tensor, tiles) -> Tensor:
    """Right and bottom mirrored without the edge (OpenCV's BORDER_REFLECT_101) to whole tiles.

    As in OpenCV: if either side does not divide, the one that does gets a pixel more for each tile.
    """
    across, down = tiles
    height, width = image.shape[-2:]
    if height % down == 0 and width % across == 0:
        return image

    def mirrored(size, parts):
        period = max(2 * (size - 1), 1)
        at = torch.arange(size + parts - size % parts, device=image.device) % period
        return torch.where(at < size, at, period - at)

    return image[:, mirrored(height, down)][:, :, mirrored(width, across)]


def _histograms(padded: Tensor, clip: float, tiles) -> tuple[Tensor, int]:
    """Counts of the 256 values in each tile (B, down, across, 256), the most a bin may hold."""
    across, down = tiles
    count, height, width = padded.shape
    parts = padded.view(count, down, height // down, across, width // across).transpose(2, 3)
    parts = parts.flatten(3).long()
    counts = torch.zeros(count, down, across, 256, dtype=torch.long, device=padded.device)
    counts.scatter_add_(3, parts, torch.ones_like(parts))
    return counts, max(int(clip * (height // down) * (width // across) / 256), 1)


def _tables(counts: Tensor, limit: int, pixels: int) -> Tensor:
    """What each tile maps the 256 values to: clipped counts, the excess spread evenly, summed up;
    float32 (B, down, across, 256)."""
    excess = (counts - limit).clamp_min(0).sum(-1, keepdim=True)
    rest = excess % 256  # one more in every step-th bin
    step = torch.where(rest > 0, 256 // rest.clamp_min(1), 256)
    bins = torch.arange(256, device=counts.device)
    spread = excess // 256 + ((bins % step == 0) & (bins // step < rest)).long()
    total = (counts.clamp_max(limit) + spread).cumsum(-1)
    return (total.float() * torch.tensor(255 / pixels, dtype=torch.float32)).round().clamp(0, 255)


def _between(size: int, tile: int, parts: int, device):
    """For each pixel along a side: the next tile, the one before, how near the next is (0 to 1)."""
    share = torch.tensor(1 / tile, dtype=torch.float32)
    at = torch.arange(size, device=device).float() * share - 0.5
    before = at.floor()
    return (before + 1).clamp_max(parts - 1).long(), before.clamp_min(0).long(), at - before


# ---------------------------------------------------------------- what others do


def align_weights(weight: Tensor, bias: Tensor, old: int) -> Head:
    """Weight alignment (Zhao et al. 2020): scale the rows of the new classes so that their mean
    length is the old ones'.

    weight (..., N + K, F) with the `old` = N older classes first; biases stay, as in their work.
    """
    _checked(weight, bias)
    if not 0 < old < weight.shape[-2]:
        raise EmolibError(
            f"old is {old}: expected 1 to {weight.shape[-2] - 1} of the {weight.shape[-2]} classes"
        )
    length = weight.norm(dim=-1)  # (..., N + K)
    gain = length[..., :old].mean(-1) / length[..., old:].mean(-1)  # (...)
    scaled = weight[..., old:, :] * gain[..., None, None]
    return torch.cat([weight[..., :old, :], scaled], -2), bias.clone()


def class_means(features: Tensor, label: Tensor, classes: int) -> Tensor:
    """Mean feature of each class, feature vectors at length 1: (N, F), int (N,) -> (classes, F);
    NaN for a class without samples."""
    total = features.new_zeros(classes, features.shape[-1])
    total.index_add_(0, label, normalize(features, dim=-1))
    return total / torch.bincount(label, minlength=classes).to(features.dtype)[:, None]


def nearest_mean(features: Tensor, means: Tensor) -> Tensor:
    """The class whose mean is nearest, both at length 1: (N, F), (C, F) -> int (N,) (Rebuffi et al.
    2017)."""
    return torch.cdist(normalize(features, dim=-1), normalize(means, dim=-1)).argmin(-1)


def herding(features: Tensor, count: int = 20) -> Tensor:
    """Rows of the `count` exemplars of one class, best first: (N, F) -> int (min(count, N),)
    (Rebuffi et al. 2017, Alg. 4).

    Each next exemplar brings the mean of those chosen nearest to the mean of the class; feature
    vectors have length 1.
    """
    unit = normalize(features, dim=-1)
    mean, total = unit.mean(0), torch.zeros_like(unit[0])
    free = torch.ones(len(unit), dtype=torch.bool, device=unit.device)
    chosen = []
    for k in range(min(count, len(unit))):
        gap = (mean - (total + unit) / (k + 1)).norm(dim=-1).masked_fill(~free, torch.inf)
        chosen.append(gap.argmin())
        total = total + unit[chosen[-1]]
        free[chosen[-1]] = False
    return torch.stack(chosen) if chosen else torch.zeros(0, dtype=torch.long, device=unit.device)
