"""VGG-16 with seven outputs (chang2021, section 4.3): thirteen convolutions and five poolings, not
the printed 11 and 4.

Layers and names are torchvision's, so its weights, and VGG-Face's in that form, load as they are
(`choices.csv`, chang2021-c7).
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models.vgg import make_layers

from emolib.ground import settings
from emolib.ground.errors import Damaged, EmolibError, guard

FACE_FILES = ("vgg_face.safetensors", "vgg_face_dag.pth")
# red, green, blue in [0, 255]: what VGG-Face was trained without
FACE_MEAN = (129.1863, 104.7624, 93.5940)
CHANNELS = (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M")


class Vgg16(nn.Module):
    """(B, 3, H, W), normalised as the weights expect -> raw scores (B, classes). H = W = 224.

    width   part of the channels and dense units, for quick runs; 1 is the real network of
            134,289,223 parameters
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

    def transfer(self, state: dict[str, Tensor]) -> Vgg16:
        """Take the weights of a source task, but not a last layer of another number of classes.
        Returns the network."""
        own = self.state_dict()
        fitting = {k: state[k] for k, v in own.items() if k in state and state[k].shape == v.shape}
        last = {"classifier.6.weight", "classifier.6.bias"}
        if wrong := [k for k in own if k not in last | fitting.keys()]:
            name = wrong[0]
            shape = tuple(state[name].shape) if name in state else "absent"
            raise EmolibError(
                f"weights for VGG-16: {name} is {shape}, expected {tuple(own[name].shape)}; "
                f"{len(wrong)} do not fit"
            )
        self.load_state_dict(own | fitting)
        return self


# ---------------------------------------------------------------- weights of the face descriptor


def face_file() -> Path | None:
    """The weights of VGG-Face in the models folder of the data, where the reader has put them."""
    place = settings.data_root() / "models"
    return next((place / name for name in FACE_FILES if (place / name).exists()), None)


def face_weights(path: Path) -> dict[str, Tensor]:
    """VGG-Face (Parkhi et al. 2015) under the names of `Vgg16`, from a file with these or with
    conv1_1 ... fc8.

    They expect red, green and blue in [0, 255] less FACE_MEAN. Raises Damaged for anything that is
    not the weights of a VGG-16.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state = load_file(guard(path))
        else:
            state = torch.load(guard(path), map_location="cpu", weights_only=True)
        ours, published = _layers()
        renamed = {}
        for key, value in state.items():
            layer, kind = key.rsplit(".", 1)
            renamed[f"{dict(zip(published, ours)).get(layer, layer)}.{kind}"] = value
        expected = sorted(f"{layer}.{kind}" for layer in ours for kind in ("weight", "bias"))
        if missing := [name for name in expected if name not in renamed]:
            raise ValueError(f"{missing[0]} is not in it")
    except Damaged:
        raise
    except Exception as error:  # pickle's, zip's, safetensors': each has its own
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise Damaged(
            path, f"not the weights of a VGG-16 ({lines[0][:120]}); get VGG-Face anew"
        ) from None
    return {name: renamed[name] for name in expected}


def _layers() -> tuple[list[str], list[str]]:
    """Layers with weights from the input up, as torchvision names them and as VGG-Face does:
    conv1_1 to conv5_3, fc6 to fc8."""
    ours, published = [], []
    at, block, number = 0, 1, 1
    for channels in CHANNELS:
        if channels == "M":
            at, block, number = at + 1, block + 1, 1
            continue
        ours.append(f"features.{at}")
        published.append(f"conv{block}_{number}")
        at, number = at + 2, number + 1  # a convolution is followed by its ReLU
    ours += ["classifier.0", "classifier.3", "classifier.6"]
    return ours, [*published, "fc6", "fc7", "fc8"]
