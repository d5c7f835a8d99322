"""The pixel functions over tensors: for a GPU, with torch alone.

Faces are drawn in chunks that fit a few hundred megabytes. Arithmetic is float32 where the compiled
loop uses float64, so the two differ by a grey level here and there, never by a shape.
"""

import math
import types

import numpy as np
import torch
import torch.nn.functional as F

from emolib.data.sim import face_pixels
from emolib.data.sim.face_tiles import GRAIN, TILE
from emolib.ground import settings

PIXELS = 4_000_000  # per chunk: about 60 tensors of 16 MB at once


def _low(a, b):
    return torch.minimum(a, b) if torch.is_tensor(b) else a.clamp(max=b)


def _high(a, b):
    return torch.maximum(a, b) if torch.is_tensor(b) else a.clamp(min=b)


def _functions(device):
    tile = torch.tensor(TILE, dtype=torch.float32, device=device).reshape(-1)

    def noise(a, b):
        ia, ib = a.floor(), b.floor()
        fa, fb = a - ia, b - ib
        fa, fb = fa * fa * (3 - 2 * fa), fb * fb * (3 - 2 * fb)
        i, j = ia.long() & 63, ib.long() & 63
        k, m = (i + 1) & 63, (j + 1) & 63
        near = tile[i * 64 + j] * (1 - fa) + tile[k * 64 + j] * fa
        far = tile[i * 64 + m] * (1 - fa) + tile[k * 64 + m] * fa
        return near * (1 - fb) + far * fb

    return face_pixels.bind(torch, low=_low, high=_high, maybe=lambda c: True, noise=noise)


def draw(features: np.ndarray, size: int, grey: bool, device: str) -> np.ndarray:
    """Render a (B,) record of features: uint8 (B, size, size, 1 or 3)."""
    if str(device).startswith("cuda"):
        settings.device("cuda")  # an error where there is none
    px, count = _functions(device), len(features)
    out = np.empty((count, size, size, 1 if grey else 3), np.uint8)
    table = {k: torch.tensor(features[k], dtype=torch.float32) for k in features.dtype.names}
    table = {k: v.to(device)[:, None, None] for k, v in table.items()}
    chunk = max(1, PIXELS // size**2)
    with torch.inference_mode():
        for start in range(0, count, chunk):
            p = types.SimpleNamespace(**{k: v[start : start + chunk] for k, v in table.items()})
            out[start : start + chunk] = _picture(px, p, size, grey).cpu().numpy()
    return out


def _picture(px, p, size, grey) -> torch.Tensor:
    """One chunk: uint8 (b, size, size, 1 or 3) on the device."""
    step = (torch.arange(size, device=p.span.device, dtype=torch.float32) + 0.5) / size - 0.5
    shape = (len(p.span), size, size)
    u = (step[None, None, :] * p.span + p.cx).expand(shape).contiguous()
    v = (step[None, :, None] * p.span + p.cy).expand(shape).contiguous()
    x, y, t, margin = px.cast(p, u, v)  # (b, size, size) each
    pixel = p.span / size
    wide = F.pad(t[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    tu = (wide[:, 1:-1, 2:] - wide[:, 1:-1, :-2]) / (2 * pixel)
    tv = (wide[:, 2:, 1:-1] - wide[:, :-2, 1:-1]) / (2 * pixel)
    image = torch.stack(px.pixel(p, u, v, x, y, margin, tu, tv, pixel), 1)  # (b, 3, size, size)
    return _develop(p, _blur(image, p.blur.flatten()), grey)


def _blur(image, sigma) -> torch.Tensor:
    """Gaussian blur, `sigma` pixels for each picture, none up to 0.25; edges repeated."""
    reach = math.ceil(2.5 * float(sigma.max()))
    if float(sigma.max()) <= 0.25:
        return image
    at = torch.arange(-reach, reach + 1, device=image.device)
    weight = torch.exp(-0.5 * (at / sigma.clamp(min=1e-3)[:, None]) ** 2)
    weight = weight * (at.abs() <= torch.ceil(2.5 * sigma)[:, None])
    weight = torch.where(sigma[:, None] > 0.25, weight, (at == 0).float())
    weight = (weight / weight.sum(1, keepdim=True))[:, :, None, None, None]  # (b, taps, 1, 1, 1)
    n = image.shape[-1]
    tall = F.pad(image, (0, 0, reach, reach), mode="replicate")
    image = sum(weight[:, k] * tall[:, :, k : k + n] for k in range(2 * reach + 1))
    broad = F.pad(image, (reach, reach, 0, 0), mode="replicate")
    return sum(weight[:, k] * broad[..., k : k + n] for k in range(2 * reach + 1))


def _develop(p, image, grey) -> torch.Tensor:
    """Exposure, tone curve, grain and 8 bits."""
    n, device = image.shape[-1], image.device
    image = (image * p.gain[:, None]).clamp(0, 1) ** 0.87
    if grey:
        share = torch.tensor([0.299, 0.587, 0.114], device=device)[:, None, None]
        image = (image * share).sum(1, keepdim=True)
    tile = torch.tensor(GRAIN, dtype=torch.float32, device=device).reshape(-1)
    a, b = (p.grain_u * 256).long(), (p.grain_v * 256).long()
    row = (torch.arange(n, device=device)[None, :, None] + a) & 255  # (b, n, 1)
    channels = []
    for c in range(image.shape[1]):
        column = (torch.arange(n, device=device)[None, None, :] + b + 85 * c) & 255
        channel = 255 * image[:, c] + p.noise * tile[row * 256 + column]
        channels.append(channel.clamp(0, 255) + 0.5)
    return torch.stack(channels, -1).to(torch.uint8)
