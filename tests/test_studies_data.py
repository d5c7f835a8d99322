"""Notebooks 02 and 03: what they show is what the data and the simulator hold."""

import numpy as np
import pytest

from emolib import data as datasets
from emolib.reproduction.report import plots
from emolib.reproduction.studies.signals import figures as signals
from emolib.reproduction.studies.signals.plan import Study
from emolib.reproduction.studies.world import figures as world_figures


@pytest.fixture(scope="module")
def study():
    return Study("smoke")


def test_duplicates_of_a_made_up_set_are_counted():
    world = datasets.load("fer2013", source="simulated", profile="smoke")
    images = world.images.copy()
    private, public = (
        np.flatnonzero(world.split == part) for part in ("PrivateTest", "PublicTest")
    )
    images[private[:5]], images[public[0]] = images[:5], images[9]
    made = type(world)(**{**vars(world), "images": images})
    table = world_figures.repeated(made).set_index(["part", "other"]).measured
    assert table["PrivateTest", "Training"] == table["Training", "PrivateTest"] == 5
    assert table["PublicTest", "Training"] == 1 and table["PrivateTest", "PublicTest"] == 0
    assert table["any", "any"] == sum(world.label[private[:5]] != world.label[:5]) + (
        world.label[public[0]] != world.label[9]
    )


def test_real_fer2013_repeats_what_the_audit_says(real_data):
    study = world_figures.Study("smoke")
    table = world_figures.duplicates(study).frame.set_index(["part", "other"]).measured
    assert (
        table["PrivateTest", "Training"],
        table["PublicTest", "Training"],
        table["PrivateTest", "PublicTest"],
        table["any", "any"],
    ) == (288, 280, 44, 57)


def test_points_are_on_the_picture_they_belong_to(study):
    shown = signals.key_points(study, "both")
    size = shown.images.shape[1]
    assert (
        shown.points.shape[1] >= 70 + 8 and (shown.points > 0).all() and (shown.points < size).all()
    )
    eyes, chin = shown.points[0, 36:48, 1].mean(), shown.points[0, 8, 1]
    assert eyes < shown.points[0, 30, 1] < chin  # eyes above the tip of the nose above the chin
    assert all(max(pair) < shown.points.shape[1] for pair in shown.links)
    assert len(shown.frame) == shown.points.shape[1]


def test_erasing_covers_what_it_says():
    plain = np.zeros((200, 160, 160, 3), np.uint8)
    for share in (0.2, 0.6):
        covered = (signals.erase(plain, share) > 0).any(-1).mean(
            (1, 2)
        ) * 4  # of the middle half, a quarter of the picture
        assert covered.mean() == pytest.approx(share, rel=0.12)
    assert (signals.erase(plain, 0.0) == 0).all()


def test_fisherfaces_tell_emotions_better_than_eigenfaces(study):
    shown = signals.eigenfaces(study)
    assert (
        shown.images.shape[1:] == (64, 64) and shown.images.min() == 0 and shown.images.max() == 255
    )
    assert shown.tiles.measured[shown.tiles.kind == "eigenface"].is_monotonic_decreasing


@pytest.mark.parametrize(
    "draw",
    [
        lambda study: plots.pictures(signals.tracked(study), across=6),
        lambda study: plots.mesh_views(signals.mesh_alone(study).frame, flat=True),
        lambda study: plots.mesh_views(signals.mesh_alone(study).frame, flat=False),
        lambda study: plots.spectrograms(signals.film_spectrogram(study).frame, across=1),
        lambda _: plots.strip_with_tracks(
            world_figures.annotated_video(world_figures.Study("smoke"))
        ),
    ],
)
def test_every_drawing_is_drawn(draw, study):
    figure = draw(study)
    assert all(
        ax.get_xlabel() or ax.images or not ax.lines or ax.get_shared_x_axes() for ax in figure.axes
    )
    figure.canvas.draw()


def test_a_leak_shows_people_again_and_no_picture_twice():
    leaky = world_figures.Study("smoke", leak=1.0)
    tested = leaky.fer2013.split != "Training"
    assert set(leaky.fer2013.subject[tested]) <= set(leaky.fer2013.subject[~tested])
    counted = world_figures.duplicates(leaky)
    assert counted.sources["fer2013"]["source"] == "simulated"
    assert (counted.frame.measured == 0).all()
