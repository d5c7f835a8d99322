"""Notebooks 02 and 03: what they show is what the data and the simulator hold."""

import numpy as np
import pytest

from emolib import data as datasets
from emolib.reproduction.report import plots
from emolib.reproduction.studies.signals import features
from emolib.reproduction.studies.world import simulator


def test_duplicates_of_a_made_up_set_are_counted(monkeypatch):
    world = datasets.load("fer2013", source="simulated", profile="smoke")
    images = world.images.copy()
    private, public = (
        np.flatnonzero(world.split == part) for part in ("PrivateTest", "PublicTest")
    )
    images[private[:5]], images[public[0]] = images[:5], images[9]
    monkeypatch.setattr(
        simulator,
        "_pair",
        lambda name, profile: (type(world)(**{**vars(world), "images": images}),),
    )
    table = simulator.duplicates.__wrapped__("smoke").frame.set_index(["part", "other"]).measured
    assert table["PrivateTest", "Training"] == table["Training", "PrivateTest"] == 5
    assert table["PublicTest", "Training"] == 1 and table["PrivateTest", "PublicTest"] == 0
    assert table["any", "any"] == sum(world.label[private[:5]] != world.label[:5]) + (
        world.label[public[0]] != world.label[9]
    )


def test_real_fer2013_repeats_what_the_audit_says(real_data):
    table = simulator.duplicates("smoke").frame.set_index(["part", "other"]).measured
    assert (
        table["PrivateTest", "Training"],
        table["PublicTest", "Training"],
        table["PrivateTest", "PublicTest"],
        table["any", "any"],
    ) == (288, 280, 44, 57)


def test_shares_sum_to_one_and_compare_like_with_like():
    frame = simulator.class_shares("smoke").frame
    assert np.allclose(frame.groupby(["set", "data"]).measured.sum(), 1)
    assert frame[(frame.set == "fer2013")].set_index("emotion").measured["disgust"] < 0.05


def test_points_are_on_the_picture_they_belong_to():
    shown = features.key_points("smoke", "both")
    size = shown.images.shape[1]
    assert (
        shown.points.shape[1] >= 70 + 8 and (shown.points > 0).all() and (shown.points < size).all()
    )
    eyes, chin = shown.points[0, 36:48, 1].mean(), shown.points[0, 8, 1]
    assert eyes < shown.points[0, 30, 1] < chin  # eyes above the tip of the nose above the chin
    assert all(max(pair) < shown.points.shape[1] for pair in shown.links)
    assert len(shown.frame) == shown.points.shape[1]


def test_scales_meet_where_they_should():
    """Both are nearly linear up to 1 kHz; the audit's figures for the middle band are 2165 and 1983 Hz."""
    frame = features.scales("smoke").frame.pivot(index="band", columns="scale", values="measured")
    middle = frame.loc[63:64].mean()
    assert middle["Eq. 7, as printed (HTK)"] == pytest.approx(2165, abs=25) and middle[
        "librosa's default (Slaney)"
    ] == pytest.approx(1983, abs=25)


def test_erasing_covers_what_it_says():
    plain = np.zeros((200, 160, 160, 3), np.uint8)
    for share in (0.2, 0.6):
        covered = (features._erase(plain, share) > 0).any(-1).mean(
            (1, 2)
        ) * 4  # of the middle half, a quarter of the picture
        assert covered.mean() == pytest.approx(share, rel=0.12)
    assert (features._erase(plain, 0.0) == 0).all()


def test_fisherfaces_tell_emotions_better_than_eigenfaces():
    shown = features.eigenfaces("smoke")
    assert (
        shown.images.shape[1:] == (64, 64) and shown.images.min() == 0 and shown.images.max() == 255
    )
    assert shown.tiles.measured[shown.tiles.kind == "eigenface"].is_monotonic_decreasing


def test_loudness_follows_the_cues():
    frame = simulator.loudness("smoke").frame
    level = frame[frame["data"] == "simulated"].set_index("emotion").measured
    assert level["angry"] > level["neutral"] == 0 > level["sad"]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.pictures(features.tracked("smoke"), across=6),
        lambda: plots.mesh_views(features.mesh_alone("smoke").frame, flat=True),
        lambda: plots.mesh_views(features.mesh_alone("smoke").frame, flat=False),
        lambda: plots.strip_with_tracks(simulator.annotated_video("smoke")),
        lambda: plots.spectrograms(features.film_spectrogram("smoke").frame, across=1),
        lambda: plots.histograms(
            simulator.grey_levels("smoke").frame, panels="statistic", series="data"
        ),
    ],
)
def test_every_drawing_is_drawn(draw):
    figure = draw()
    assert all(
        ax.get_xlabel() or ax.images or not ax.lines or ax.get_shared_x_axes() for ax in figure.axes
    )
    figure.canvas.draw()
