"""Frozen networks that turn a face crop into a feature vector.

orgil2021 (3.2) takes the pooled features of a ResNet50 that an earlier, unpublished study trained
on faces: here the one that notebook 13 trains on FERPlus. An ImageNet ResNet50 and EfficientNet-
Lite0 stand beside it, and seeded random weights for tests and as a floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torchvision
from torch import nn

from emolib.data.files import Damaged, digest_of, guard
from emolib.ground import settings
from emolib.ground.containers import digest
from emolib.ground.errors import EmolibError, nearest

SIZE = 224
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@dataclass(frozen=True)
class Kind:
    """How a network is fed: colours in [0, 1], less `mean`, by `spread`; `grey`: luma thrice."""

    make: object  # () -> (module that gives (N, D), text that names its weights)
    mean: tuple = IMAGENET[0]
    spread: tuple = IMAGENET[1]
    grey: bool = False


class Backbone:
    """A frozen network by name; `features` gives its pooled features.

    name   'resnet50-ferplus' (2048, trained by notebook 13 on grey faces), 'resnet50-imagenet'
           (2048), 'efficientnet_lite0' (1280), or with weights from seed 0
           'efficientnet_lite0-random' and 'resnet18-random' (512)
    fingerprint   names the network, how it is fed and a digest of its weights
    Raises EmolibError for an unknown name (with the nearest) and for weights that are not here.
    """

    def __init__(self, name: str, device: str | None = None):
        if name not in KINDS:
            raise nearest(name, KINDS, what="backbone")
        kind = KINDS[name]
        self.name, self.kind, self.device = name, kind, device or settings.device()
        net, weights = kind.make()
        net = net.eval().requires_grad_(False)
        self.net = net.to(self.device, memory_format=torch.channels_last)
        fed = digest(SIZE, kind.mean, kind.spread, kind.grey)
        self.fingerprint = f"{name} {weights} {fed}"

    def features(self, images: np.ndarray, batch: int = 16) -> np.ndarray:
        """Pooled features, float32 (N, D), of `images` uint8 (N, H, W, 3) or (N, H, W).

        Images are resized to 224 x 224, antialiased. float32 on every device: the features are
        inputs, and those do not depend on where they were made. Memory: one batch, whatever N.
        """
        good = images.ndim == 3 or (images.ndim == 4 and images.shape[-1] == 3)
        if images.dtype != np.uint8 or not good:
            raise EmolibError(
                f"backbone: images are {images.dtype} {images.shape}, "
                "expected uint8 (N, H, W, 3) or (N, H, W)"
            )
        if not len(images):
            return np.zeros((0, self.width), np.float32)
        parts = []
        with torch.inference_mode():
            for start in range(0, len(images), batch):
                fed = self._fed(images[start : start + batch])
                parts.append(self.net(fed).float().cpu().numpy())
        return np.concatenate(parts)

    def named(self, images: np.ndarray) -> dict[str, np.ndarray]:
        return {"features": self.features(images)}

    @property
    def width(self) -> int:
        """Length of the feature vector."""
        return self.features(np.zeros((1, SIZE, SIZE, 3), np.uint8)).shape[1]

    def _fed(self, images: np.ndarray) -> torch.Tensor:
        """(b, 3, 224, 224) float32, channels last, on the device."""
        x = torch.from_numpy(np.ascontiguousarray(images)).to(self.device)
        x = x[:, None].expand(-1, 3, -1, -1) if x.ndim == 3 else x.permute(0, 3, 1, 2)
        x = x.float() / 255
        if x.shape[-2:] != (SIZE, SIZE):
            how = {"mode": "bilinear", "antialias": True, "align_corners": False}
            x = nn.functional.interpolate(x, (SIZE, SIZE), **how)
        if self.kind.grey:
            luma = x.new_tensor([0.299, 0.587, 0.114])[:, None, None]
            x = (x * luma).sum(1, keepdim=True).expand(-1, 3, -1, -1)
        mean, spread = (x.new_tensor(v)[:, None, None] for v in (self.kind.mean, self.kind.spread))
        return ((x - mean) / spread).contiguous(memory_format=torch.channels_last)


def _headless(net):
    net.fc = nn.Identity()
    return net


def _ferplus():
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = settings.data_root() / "models" / "resnet50_ferplus.safetensors"
    if not path.exists():
        raise EmolibError(
            f"backbone resnet50-ferplus: no {path}; notebook 13 trains it on FERPlus "
            "(./reproduce.sh --only 13 --profile full), or choose resnet50-imagenet or "
            "efficientnet_lite0"
        )
    net = _headless(torchvision.models.resnet50())
    try:
        state = {k: v for k, v in load_file(guard(path)).items() if not k.startswith("fc.")}
        net.load_state_dict(state)
    except SafetensorError as error:
        raise Damaged(path, f"not a readable safetensors file ({error}); make it anew") from None
    except RuntimeError as error:
        why = str(error).splitlines()[-1].strip()[:120]
        raise Damaged(path, f"not the weights of a ResNet50 ({why}); make it anew") from None
    return net, digest_of(path)


def _imagenet():
    weights = torchvision.models.ResNet50_Weights.IMAGENET1K_V2
    try:
        net = torchvision.models.resnet50(weights=weights, progress=False)
    except (OSError, RuntimeError) as error:  # no network, or a wrong checksum in the cache
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        raise EmolibError(
            f"backbone resnet50-imagenet: its weights are not in {folder} and cannot be fetched "
            f"({error}); put {Path(weights.url).name} of torchvision there, "
            "or choose efficientnet_lite0"
        ) from None
    return _headless(net), Path(weights.url).stem


def _lite0():
    from emolib.models import classifiers

    return classifiers.efficientnet_lite0(), digest_of(classifiers.lite0_file())


def _lite0_random():
    from emolib.models import classifiers

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return classifiers.efficientnet_lite0(pretrained="none"), "seed 0"


def _random():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = _headless(torchvision.models.resnet18())
    return net, digest(*(v.numpy() for v in net.state_dict().values()))


KINDS = {
    "resnet50-ferplus": Kind(_ferplus, *HALF, grey=True),
    "resnet50-imagenet": Kind(_imagenet),
    "efficientnet_lite0": Kind(_lite0, *HALF),
    "efficientnet_lite0-random": Kind(_lite0_random, *HALF),
    "resnet18-random": Kind(_random, *HALF),
}
