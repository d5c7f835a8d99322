"""The two networks that come with emolib: which emotion a face shows and which one a voice carries.

Both are an EfficientNet-Lite0 that began from ImageNet. `weights/` holds their numbers in half
precision, with a card each: what they learnt from, how often they are right on people they have
never met, and what they must not be used for. `reproduction.studies.shipped` trains them.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from emolib.ground.errors import Damaged, EmolibError, guard, nearest
from emolib.models.classifiers import efficientnet_lite0

FOLDER = Path(__file__).parent / "weights"
NAMES = ("faces", "speech")
FACE, LOOKED = 48, 96  # pixels of a face as it comes, and as the network sees it
VOICE = 30.0  # decibels that become 1: half of what a picture of `features.utterance` spans
SPREAD = 0.5  # of a picture as it is fed: about that of ImageNet's pictures in [-1, 1]


@dataclass(frozen=True)
class Trained:
    """A network, the names of its classes, and their shares where it learnt.

    about   what stands in the header of its file: training set, recipe, accuracies
    """

    net: nn.Module
    classes: tuple[str, ...]
    prior: np.ndarray
    about: dict

    @torch.inference_mode()
    def logits(self, fed: Tensor) -> np.ndarray:
        """Log-probabilities (N, C) of pictures as the network is fed (N, 3, H, W), and of their
        mirror images for a face: the mean of both, 64 at a time."""
        parts = []
        for part in fed.split(64):
            sides = [part, part.flip(-1)] if self.about["mirrored"] else [part]
            odds = sum(self.net(side).softmax(-1) for side in sides) / len(sides)
            parts.append(odds.clamp_min(1e-8).log())
        return torch.cat(parts).numpy() if parts else np.zeros((0, len(self.classes)), np.float32)


@functools.cache
def load(name: str) -> Trained:
    """'faces' or 'speech', from the file that comes with emolib, ready for use.

    Raises EmolibError for another name and Damaged for a file that is not what it was.
    """
    if name not in NAMES:
        raise nearest(name, NAMES, what="network that comes with emolib")
    path = guard(FOLDER / f"{name}.safetensors")
    try:
        with safe_open(path, "pt") as file:
            about = json.loads(file.metadata()["about"])
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 no dict
        return assembled(state, about)
    except (SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
        why = str(error).splitlines()[-1].strip()[:120]
        raise Damaged(path, f"not the weights of '{name}' ({why}); install emolib anew") from None


def assembled(state: dict[str, Tensor], about: dict) -> Trained:
    """The network of a file: its numbers in half precision, and what stands in its header."""
    net = efficientnet_lite0(classes=len(about["classes"]), pretrained="none")
    net.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
    net = net.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    return Trained(net, tuple(about["classes"]), np.array(about["prior"]), about)


# ---------------------------------------------------------------- what they are fed


def standardised(x: Tensor, least: float = 2.0) -> Tensor:
    """Each picture (B, 1, H, W) with mean 0 and spread SPREAD: neither light nor contrast is left.

    least   spread below which a picture counts as blank: it becomes nearly nothing, not noise
    """
    mean, spread = x.mean((1, 2, 3), keepdim=True), x.std((1, 2, 3), keepdim=True)
    return SPREAD * (x - mean) / spread.clamp_min(least)


def three(x: Tensor) -> Tensor:
    """(B, 1, H, W) -> three equal channels, channels last."""
    return x.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def face_fed(faces: np.ndarray | Tensor, side: int = LOOKED) -> Tensor:
    """Grey faces uint8 (N, 48, 48) as `features.portrait` cuts them -> (N, 3, side, side)."""
    x = torch.as_tensor(faces)
    if x.dtype != torch.uint8 or x.ndim != 3 or x.shape[1:] != (FACE, FACE):
        raise EmolibError(
            f"faces are {x.dtype} {tuple(x.shape)}, expected uint8 (N, {FACE}, {FACE}); "
            "features.portrait cuts them out"
        )
    x = x[:, None].float()
    x = F.interpolate(x, (side, side), mode="bilinear", align_corners=False)
    return three(standardised(x))


def voice_fed(pictures: np.ndarray | Tensor) -> Tensor:
    """Windows (N, bands, frames) of `features.utterance` in [0, FLOOR] decibels -> (N, 3, ...)."""
    return three(torch.as_tensor(pictures)[:, None].float() / VOICE - 1)
