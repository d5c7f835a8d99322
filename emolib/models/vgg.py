"""VGG-16 with seven outputs (chang2021, section 4.3): thirteen convolutions and five poolings, not the printed 11 and 4.

Layers and names are torchvision's, so its weights, and VGG-Face's in that form, load as they are
(`choices.csv`, chang2021-c7).
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models.vgg import make_layers

from emolib.data.files import Damaged, guard
from emolib.ground import settings
from emolib.ground.errors import EmolibError

FACE_FILES = ("vgg_face.safetensors", "vgg_face_dag.pth")
FACE_MEAN = (
    129.1863,
    104.7624,
    93.5940,
)  # red, green, blue in [0, 255]: what VGG-Face was trained without
CHANNELS = (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M")


class Vgg16(nn.Module):
    """(B, 3, H, W), normalised as the weights expect -> (B, classes), raw scores. H = W = 224 in the text.

    width   part of the channels and dense units, for quick runs; 1 is the real network of 134,289,223 parameters
    """

    def __init__(self, classes: int = 7, *, width: float = 1.0, dropout: float = 0.5):
        super().__init__()
        if not 0 < width <= 1:
            raise EmolibError(f"VGG-16: width is {width}, expected above 0 and at most 1")
        channels = [c if c == "M" else max(1, round(width * c)) for c in CHANNELS]
        dense = max(classes, round(width * 4096))
        self.features = make_layers(channels)
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(49 * channels[-2], dense),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(dense, dense),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(dense, classes),
        )
        for layer in self.features:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))  # (B, 512, 7, 7)
        return self.classifier(x.flatten(1))  # (B, classes)

    def freeze(self, frozen: bool = True) -> Vgg16:
        """Fig. 4.15: train the dense layers on fixed convolutions (True), or the whole network (False). Returns the network."""
        self.features.requires_grad_(not frozen)
        return self

    def transfer(self, state: dict[str, Tensor]) -> Vgg16:
        """Take the weights of a source task, all but those of a last layer with another number of classes. Returns the network."""
        mine = self.state_dict()
        last = ("classifier.6.weight", "classifier.6.bias")
        wrong = [
            k for k in mine if k not in last and (k not in state or state[k].shape != mine[k].shape)
        ]
        if wrong:
            found = tuple(state[wrong[0]].shape) if wrong[0] in state else "absent"
            raise EmolibError(
                f"weights for VGG-16: {wrong[0]} is {found}, expected {tuple(mine[wrong[0]].shape)}; {len(wrong)} do not fit"
            )
        taken = {
            k: state[k] if k in state and state[k].shape == v.shape else v for k, v in mine.items()
        }
        self.load_state_dict(taken)
        return self


# ---------------------------------------------------------------- the weights of the face descriptor


def face_file() -> Path | None:
    """The weights of VGG-Face in the models folder of the data, if the reader has put them there: one of FACE_FILES."""
    place = settings.data_root() / "models"
    return next((place / name for name in FACE_FILES if (place / name).exists()), None)


def face_weights(path: Path) -> dict[str, Tensor]:
    """VGG-Face (Parkhi et al. 2015) under the names of `Vgg16`. The file may name layers as torchvision does or conv1_1 ... fc8.

    They expect red, green and blue in [0, 255] less FACE_MEAN. Raises Damaged for anything that is not the weights of a VGG-16.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state = load_file(guard(path))
        else:
            state = torch.load(guard(path), map_location="cpu", weights_only=True)
        names = dict(zip(_published_names(), _layers(), strict=True))
        renamed = {
            f"{names.get(layer, layer)}.{kind}": v
            for layer, kind, v in ((*k.rsplit(".", 1), v) for k, v in state.items())
        }
        expected = {f"{layer}.{kind}" for layer in _layers() for kind in ("weight", "bias")}
        if not expected <= set(renamed):
            raise ValueError(f"{sorted(expected - set(renamed))[0]} is not in it")
    except Damaged:
        raise
    except Exception as error:  # pickle's, zip's, safetensors': each has its own
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise Damaged(
            path, f"not the weights of a VGG-16 ({said[0][:120]}); get VGG-Face anew"
        ) from None
    return {k: renamed[k] for k in sorted(expected)}


def _layers() -> list[str]:
    """Layers with weights as torchvision names them, from the input up."""
    names, at = [], 0
    for c in CHANNELS:
        names += [] if c == "M" else [f"features.{at}"]
        at += 1 if c == "M" else 2  # a convolution is followed by its ReLU
    return [*names, "classifier.0", "classifier.3", "classifier.6"]


def _published_names() -> list[str]:
    """The same layers as VGG-Face names them: conv1_1 to conv5_3, fc6 to fc8."""
    names, block, number = [], 1, 1
    for c in CHANNELS:
        if c == "M":
            block, number = block + 1, 1
        else:
            names.append(f"conv{block}_{number}")
            number += 1
    return [*names, "fc6", "fc7", "fc8"]
