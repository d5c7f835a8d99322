"""Eleven classifiers and a body: sizes, shapes, names, and what happens without a network."""

import numpy as np
import pytest
import torch

from emolib.data.files import Damaged
from emolib.ground.errors import EmolibError
from emolib.models import classifiers
from emolib.models.classifiers import NETWORKS, build
from emolib.reproduction import papers

# Counted by their makers for 1,000 classes (torchvision's own metadata; timm's model pages), 7 classes by arithmetic.
PUBLISHED = {
    "ResNet18": 11_689_512,
    "ResNet50": 25_557_032,
    "ResNet101": 44_549_160,
    "ResNet152": 60_192_808,
    "SeResnext50": 27_559_896,
    "SeResnext101": 48_955_416,
    "Densenet121": 7_978_856,
    "Densenet161": 28_681_000,
    "Densenet169": 14_149_480,
    "Densenet201": 20_013_928,
}


@pytest.fixture(scope="module")
def lite0():
    """The body with its ImageNet weights; skips where their package is not installed."""
    try:
        classifiers.lite0_file()
    except EmolibError as error:
        pytest.skip(f"NOT TESTED WITH IMAGENET WEIGHTS: {error}")
    return classifiers.efficientnet_lite0().eval()


def test_one_network_per_row_of_table_4_1():
    assert list(NETWORKS) == list(dict.fromkeys(papers.published("orgil2022-t4_1").model))


@pytest.fixture(scope="module")
def whole():
    return classifiers.sizes()


def test_sizes_are_the_makers_own(whole):
    features = {
        "ResNet18": 512,
        "Densenet121": 1024,
        "Densenet161": 2208,
        "Densenet169": 1664,
        "Densenet201": 1920,
    }
    ours = {
        name: count + 993 * (features.get(name, 2048) + 1) for name, count in whole.items()
    }  # 1,000 outputs in place of 7
    assert {k: ours[k] for k in PUBLISHED} == PUBLISHED
    assert ours["SeResnext152"] == 66_580_440  # no maker to compare with: ours, so that it stays
    assert (
        whole["ResNet18"] == 11_176_512 + 7 * 513
    )  # the body that chang2021 counts, and seven outputs


def test_torchvision_prints_the_same_sizes():
    from torchvision import models

    for name in PUBLISHED:
        if not name.startswith("Se"):
            assert (
                models.get_model_weights(name.lower()).DEFAULT.meta["num_params"] == PUBLISHED[name]
            )


@pytest.mark.parametrize("name", NETWORKS)
def test_narrow_stand_ins_take_faces_and_learn(name):
    torch.manual_seed(0)
    net, x = build(name, narrow=True), torch.randn(2, 3, 48, 48)
    scores = net(x)
    assert scores.shape == (2, 7) and classifiers.label(name, True) == f"{name}, narrow"
    scores.sum().backward()
    assert all(p.grad is not None for p in net.parameters())


def test_narrow_is_narrow_and_keeps_the_order_of_depths(whole):
    small = classifiers.sizes(narrow=True)
    assert all(small[n] < whole[n] / 20 for n in NETWORKS)
    for family in (
        ("ResNet50", "ResNet101", "ResNet152"),
        ("SeResnext50", "SeResnext101", "SeResnext152"),
        ("Densenet121", "Densenet169", "Densenet201"),
    ):
        assert sorted(family, key=small.get) == list(family)


@pytest.mark.parametrize("name", ["ResNet18", "SeResnext50", "Densenet121"])
def test_whole_networks_run(name):
    with torch.no_grad():
        assert build(name).eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 7)


def offline(*_, **__):
    raise OSError("no route to the host\nsecond line")


@pytest.mark.parametrize("name", ["ResNet50", "Densenet121", "SeResnext50"])
def test_weights_that_cannot_be_had_are_one_line(name, monkeypatch):
    import timm

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", offline)
    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(EmolibError, match="cannot be had here .no route to the host.") as error:
        build(name, pretrained="imagenet")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: build("ResNet19"), "did you mean ResNet1"),
        (lambda: build("ResNet18", pretrained="imagnet"), "did you mean imagenet"),
        (
            lambda: build("ResNet18", pretrained="imagenet", narrow=True),
            "narrow network has no ImageNet weights",
        ),
        (lambda: build("SeResnext152", pretrained="imagenet"), "no public ImageNet weights"),
    ],
)
def test_misuse_is_said_in_one_line(call, said):
    with pytest.raises(EmolibError, match=said):
        call()


def test_without_its_package_the_body_says_what_to_install(monkeypatch):
    from importlib import metadata

    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "files", absent)
    with pytest.raises(EmolibError, match="pip install"):
        classifiers.efficientnet_lite0()


def test_old_densenet_names_become_todays(monkeypatch):
    old = {
        "features.denseblock1.denselayer1.norm.1.weight": 1,
        "features.denseblock1.denselayer1.conv.2.weight": 2,
        "features.norm0.weight": 3,
    }
    monkeypatch.setattr(classifiers, "_fetched", lambda *_: old)
    names = list(classifiers._torchvision_weights("densenet121", densenet=True))
    assert set(names) <= set(build("Densenet121").state_dict())


def test_the_package_holds_timms_numbers_in_timms_order(lite0):
    packed = torch.load(classifiers.lite0_file(), map_location="cpu", weights_only=True)
    assert sum(v.numel() for v in packed.values()) == 4_694_073
    with torch.device("meta"):
        import timm

        theirs = timm.create_model("tf_efficientnet_lite0").state_dict()
    assert [v.shape for v in packed.values()] == [v.shape for v in theirs.values()]
    assert lite0.conv_stem.weight.equal(packed["_conv_stem.weight"])


def test_another_files_arrays_are_refused_by_name(lite0, tmp_path, monkeypatch):
    theirs = torch.load(classifiers.lite0_file(), map_location="cpu", weights_only=True)
    assert sum(v.numel() for v in theirs.values()) == 4_694_073
    theirs.pop("_fc.bias")
    torch.save(theirs, tmp_path / "other.pth")
    monkeypatch.setattr(classifiers, "lite0_file", lambda: tmp_path / "other.pth")
    with pytest.raises(Damaged, match="other.pth: not EfficientNet-Lite0"):
        classifiers.efficientnet_lite0()


@pytest.mark.slow
def test_the_body_knows_pictures(lite0, real_data):
    """Nearest class mean on ten pictures of each of five classes of CIFAR-100: far above one in five."""
    path = real_data / "cifar100" / "cifar100_subset.npz"
    if not path.exists():
        pytest.skip(f"NOT TESTED ON REAL DATA: no {path}")
    from emolib import continual

    with np.load(path) as file:
        x, y = file["x_train"], file["y_train"].astype(int)
    features, label = [], np.repeat(np.arange(5), 20)
    rows = np.concatenate([np.flatnonzero(y == c)[:20] for c in (8, 17, 48, 70, 82)])
    pictures = torch.nn.functional.interpolate(
        torch.from_numpy(x[rows]).permute(0, 3, 1, 2) / 127.5 - 1, size=(64, 64), mode="bicubic"
    )
    with torch.no_grad():
        features = lite0(pictures)
    assert features.shape == (100, 1280)
    train = np.arange(100) % 20 < 10
    means = continual.class_means(features[train], torch.from_numpy(label[train]), 5)
    assert (continual.nearest_mean(features[~train], means).numpy() == label[~train]).mean() > 0.6
