"""Small pictures: the same drawing in fewer bytes."""

import base64
import io
import re
import xml.etree.ElementTree as tree

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from emolib.reproduction.report import pictures


def drawn(kind, paint, points=0, rastered=False):
    fig, axes = plt.subplots(figsize=(3, 2))
    paint(axes)
    if points:
        axes.scatter(np.linspace(0, 1, points), np.linspace(0, 1, points) ** 2, s=4)
    if rastered:
        pictures.rasterise(fig)
    out = io.BytesIO()
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": "x"}):
        fig.savefig(out, format=kind, metadata={"Date": None} if kind == "svg" else None)
    plt.close(fig)
    return out.getvalue()


def wave(axes):
    axes.plot(np.linspace(0, 1, 400), np.sin(np.linspace(0, 9, 400)))
    axes.set_title("a wave")


def numbers(raw):
    return [
        float(n)
        for path in re.findall(r' d="([^"]*)"', raw.decode())
        for n in re.findall(r"-?\d+\.?\d*", path)
    ]


def test_a_plot_keeps_its_lines_to_a_hundredth_of_a_point():
    raw = drawn("svg", wave)
    slim = pictures.slim_svg(raw)
    assert len(slim) < 0.87 * len(raw)
    assert len(numbers(slim)) == len(numbers(raw)) > 150
    assert np.abs(np.array(numbers(slim)) - numbers(raw)).max() <= 0.0051
    assert [e.tag for e in tree.fromstring(slim).iter()] == [
        e.tag for e in tree.fromstring(raw).iter()
    ]


def test_an_embedded_grey_picture_keeps_every_pixel():
    grey = np.random.default_rng(0).integers(0, 255, (40, 40))
    raw = drawn("svg", lambda axes: axes.imshow(grey, cmap="gray", interpolation="none"))
    one, other = (
        Image.open(
            io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]+)\"", r.decode())[1]))
        ).convert("RGB")
        for r in (raw, pictures.slim_svg(raw))
    )
    assert np.array_equal(np.asarray(one), np.asarray(other))


@given(st.floats(-1e4, 1e4))
def test_rounding_moves_a_number_by_half_a_hundredth_at_most(value):
    text = pictures._rounded(f"{value:.6f}")
    assert abs(float(text) - value) <= 0.005 + 1e-6
    assert text != "-0"


def test_a_factor_is_no_length():
    assert (
        pictures._rounded("translate(1.234567 2.345678) scale(0.015625)")
        == "translate(1.234567 2.345678) scale(0.015625)"
    )
    assert pictures._rounded("translate(1.234567 2.3)") == "translate(1.23 2.3)"


@pytest.mark.parametrize("colours, most", [(2, 0), (100, 0), (5000, 40)])
def test_a_picture_of_few_colours_is_kept_and_one_of_many_is_near(colours, most):
    rng = np.random.default_rng(1)
    palette = rng.integers(0, 255, (colours, 3))
    pixels = palette[rng.integers(0, colours, (60, 80))].astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG")
    slim = np.asarray(
        Image.open(io.BytesIO(pictures.slim_png(out.getvalue()))).convert("RGB")
    ).astype(int)
    assert np.abs(slim - pixels).mean() <= most
    assert len(pictures.slim_png(out.getvalue())) <= len(out.getvalue())


def test_a_cloud_becomes_one_image_and_a_handful_of_points_does_not():
    many, few = (
        drawn("svg", lambda axes: None, points=n, rastered=True) for n in (2 * pictures.MANY, 20)
    )
    assert many.count(b"<image") == 1 and few.count(b"<image") == 0
    assert drawn("svg", lambda axes: None, points=2 * pictures.MANY).count(b"<image") == 0


def test_transparent_stays_transparent():
    pixels = np.zeros((30, 30, 4), np.uint8)
    pixels[5:20, 5:20] = (200, 30, 60, 255)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG")
    slim = np.asarray(Image.open(io.BytesIO(pictures.slim_png(out.getvalue()))).convert("RGBA"))
    assert (slim[..., 3] == pixels[..., 3]).all() and np.abs(
        slim[10, 10].astype(int) - pixels[10, 10]
    ).max() <= 4
