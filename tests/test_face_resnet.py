"""dlib's face network in PyTorch: held against dlib itself, and its batch norms made anew."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from emolib.features import identity
from emolib.features.detectors import packaged
from emolib.ground.errors import Damaged, EmolibError
from emolib.models.face_resnet import FaceResnet, read


@pytest.fixture(scope="module")
def path():
    try:
        return packaged(identity.PACKAGE, identity.FILE)
    except EmolibError as error:
        pytest.skip(f"NOT TESTED AGAINST dlib: {error}")


@pytest.fixture(scope="module")
def pictures():
    """Eight grey pictures uint8 (8, 150, 150): soft blots, as no camera saw them."""
    rng = np.random.default_rng(0)
    coarse = torch.as_tensor(rng.random((8, 1, 9, 9), np.float32))
    x = F.interpolate(coarse, (150, 150), mode="bicubic").clamp(0, 1)
    return (255 * x[:, 0]).round().to(torch.uint8).numpy()


def fed(pictures, side=150):
    x = torch.as_tensor(pictures)[:, None].float() / 127.5 - 1
    return F.interpolate(x, (side, side)).repeat(1, 3, 1, 1)


def test_descriptors_are_dlibs_own(path, pictures):
    dlib = pytest.importorskip("dlib")
    judge = dlib.face_recognition_model_v1(str(path))
    colour = np.repeat(pictures[..., None], 3, -1)
    theirs = np.stack([judge.compute_face_descriptor(face) for face in colour])
    assert theirs.std() > 0.05
    np.testing.assert_allclose(identity.describe(pictures, batch=3), theirs, atol=1e-5)
    assert identity.describe(pictures[:0]).shape == (0, identity.WIDTH)


@pytest.mark.parametrize("side", [104, 112, 150])
def test_norms_take_statistics_and_the_network_stays_the_same(path, pictures, side):
    net, x = FaceResnet().known(path).eval(), fed(pictures, side)
    with torch.no_grad():
        before = net(x)
        after = net.standardise(x).eval()(x)
        in_training = net.train()(x)
    torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(in_training, before, atol=1e-4, rtol=1e-3)
    assert before.std() > 0.01 and before.shape == (8, FaceResnet.width)


def test_a_network_that_knows_nobody_learns(pictures):
    torch.manual_seed(0)
    net, x = FaceResnet(), fed(pictures, 104)
    head = torch.nn.Linear(net.width, 2)
    step = torch.optim.Adam([*net.parameters(), *head.parameters()], 1e-3)
    truth, losses = torch.tensor([0, 1] * 4), []
    for _ in range(8):
        losses.append(F.cross_entropy(head(net(x)), truth))
        step.zero_grad()
        losses[-1].backward()
        step.step()
    assert losses[-1] < 0.5 * losses[0]


def test_another_file_is_refused(path, tmp_path):
    wrong = tmp_path / "wrong.dat"
    wrong.write_bytes(b"no network at all")
    with pytest.raises(Damaged, match="0 layers, expected 59"):
        read(wrong)
    wrong.write_bytes(path.read_bytes()[:2_000_000])
    with pytest.raises(Damaged, match="dlib"):
        read(wrong)
    # 4,736 numbers of the first convolution become 4,224
    begin = b"con_4\x01\x02\x02\x80"
    whole = path.read_bytes().replace(begin + b"\x12", begin + b"\x10", 1)
    wrong.write_bytes(whole)
    with pytest.raises(Damaged, match="numbers"):
        FaceResnet().known(wrong)
