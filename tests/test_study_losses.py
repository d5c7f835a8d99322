"""Notebook 10's study: geometry whose answer is known, tracks spoilt by hand, counts, and the notebook at its smallest."""

import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import run_notebook

from emolib import losses
from emolib.ground.errors import EmolibError
from emolib.reproduction import papers
from emolib.reproduction.report import files as results
from emolib.reproduction.studies.losses import loss_geometry, loss_tracks, loss_verdicts

pytestmark = pytest.mark.usefixtures("one_thread")


# ---------------------------------------------------------------- geometry


def test_equation_14_and_what_comes_after():
    frame = loss_geometry.worked_example("smoke").frame.pivot(
        index="prediction", columns="metric", values="measured"
    )
    paper = frame.loc["30"]
    assert paper["true angle"] == pytest.approx(60) and paper[
        "Eq. 14, arcsine of it"
    ] == pytest.approx(60)
    assert paper["Eq. 5, product"] == pytest.approx(math.sqrt(3) / 2, abs=1e-6)
    assert frame.loc["-30", "true angle"] == pytest.approx(120) and frame.loc[
        "-30", "Eq. 14, arcsine of it"
    ] == pytest.approx(60)
    assert (
        frame.loc["-90", "true angle"] == pytest.approx(180)
        and frame.loc["-90", "Eq. 5, product"] == 0
    )


def test_the_angle_is_one_at_every_length():
    for degrees in (0.0, 10.0, 90.0, 170.0, 180.0):
        for long in (0.01, 1.0):
            assert float(
                loss_geometry.angle(
                    loss_geometry.unit(degrees + 35.0, long), loss_geometry.unit(35.0)
                )
            ) == pytest.approx(math.radians(degrees), abs=1e-7)


def test_curves_shrink_with_the_square_of_the_length():
    frame = loss_geometry.angle_curves("smoke").frame
    product = frame[frame.formula == "Eq. 5, product"].pivot(
        index="degrees", columns="vectors", values="measured"
    )
    np.testing.assert_allclose(
        product["both halfway out"], product["both on the unit circle"] / 4, atol=1e-6
    )


def test_points_are_on_the_disc():
    points = loss_geometry.on_disc(21)
    assert (
        (points.norm(dim=1) <= 1 + 1e-9).all()
        and 0.7 < len(points) / 21**2 < 0.85
        and torch.equal(points, torch.unique(points, dim=0))
    )


def test_speed_and_direction_vanish_at_the_annotation_and_at_its_mirror_image():
    places = torch.stack(
        [
            loss_geometry.ANNOTATED[-1],
            loss_geometry.MIRROR,
            torch.tensor([0.5, 0.5], dtype=torch.float64),
        ]
    )
    value = losses.non_inertial(
        *loss_geometry.windows(places), terms=("speed", "direction"), reduction="none"
    )
    assert value[:2].abs().max() < 1e-12 and value[2] > 0.01
    distance = losses.non_inertial(
        *loss_geometry.windows(places), terms=("distance",), reduction="none"
    )
    assert distance[0] == 0 and distance[1] > 0.05


def test_a_surface_is_its_loss_and_its_slope():
    at, step = torch.tensor([[0.4, -0.3]], dtype=torch.float64), 1e-6
    loss = lambda x, y: losses.non_inertial(x, y, reduction="none")  # noqa: E731
    value, down = loss_geometry.surface(loss, at)
    assert value[0] == pytest.approx(float(loss(*loss_geometry.windows(at))))
    for axis in range(2):
        moved = at.clone()
        moved[0, axis] += step
        assert -(float(loss(*loss_geometry.windows(moved))) - value[0]) / step == pytest.approx(
            down[0, axis], abs=1e-5
        )


@pytest.mark.parametrize(
    "surfaces, panels", [(loss_geometry.term_surfaces, 4), (loss_geometry.form_surfaces, 6)]
)
def test_surfaces_are_lowest_at_the_annotation(surfaces, panels):
    frame = surfaces("smoke").frame
    names = [n for n in frame.panel.unique() if n != "every"]
    assert len(names) == panels and set(frame.what) == {
        "surface",
        "arrow",
        "annotated",
        "mirror image",
    }
    for name in set(names) - {
        "speed",
        "direction",
        "appendix, bars outside",
    }:  # these three are low along a line
        low = (
            frame[(frame.panel == name) & (frame.what == "surface")].sort_values("measured").iloc[0]
        )
        assert math.dist((low.valence, low.arousal), loss_geometry.ANNOTATED[-1]) < 0.3, name


def test_descents_end_where_they_must():
    frame = loss_geometry.descents("smoke").frame.pivot(
        index="loss", columns="metric", values="measured"
    )
    np.testing.assert_allclose(frame.sum(axis=1), 1, atol=2e-4)
    assert frame.loc["distance", "the annotation"] == 1
    assert (
        0.3 < frame.loc["speed and direction", "its mirror image"] < 0.6
        and 0.1 < frame.loc["all three (table)", "its mirror image"] < 0.45
    )


def test_an_unknown_profile_is_named():
    with pytest.raises(EmolibError, match="did you mean quick"):
        loss_geometry.sizes("quik")


# ---------------------------------------------------------------- tracks


def test_windows_are_whole_and_belong_to_one_person():
    y, owner = loss_tracks.annotated("smoke")
    made = loss_tracks.world("smoke")
    assert y.shape[1:] == (128, 2) and len(y) == len(owner) == sum(
        len(t) // 128 for t in made.valence_arousal
    )
    assert set(owner) <= set(made.subject) and torch.equal(
        y[0], torch.as_tensor(made.valence_arousal[0][:128], dtype=torch.float64)
    )


def test_predictions_are_spoilt_as_they_say():
    y, _ = loss_tracks.annotated("smoke")
    wrong = loss_tracks.distorted(y, 30.0)
    assert torch.equal(wrong["right"], y) and float(
        losses.mse(wrong["0.3 too high"], y)
    ) == pytest.approx(0.09)
    assert torch.equal(wrong["a third of a second late"][:, 10:], y[:, :-10])
    assert float((wrong["flicker of 0.02"] - y).std()) == pytest.approx(0.02, rel=0.1)
    assert losses.concordance(wrong["the opposite way"], y)[y.var(1) > 0].mean() == pytest.approx(
        -1
    )


def test_charges_are_the_losses_and_rank_as_they_must():
    frame = loss_tracks.charges("smoke").frame
    value = frame.pivot(index="prediction", columns="metric", values="measured")
    assert (
        value.loc["right"].abs().max() < 1e-12
        and (frame.low <= frame.measured + 1e-9).all()
        and (frame.measured <= frame.high + 1e-9).all()
    )
    assert value.loc["0.3 too high", "table"] == pytest.approx(0.09) and value.loc[
        "0.3 too high", "MSE, both axes"
    ] == pytest.approx(0.18)
    assert value.loc["the opposite way", "CCC"] == pytest.approx(2, abs=0.05) and value.loc[
        "half as wide", "CCC"
    ] == pytest.approx(0.2, abs=0.03)
    flicker = value.loc["flicker of 0.02"] / value.loc["0.3 too high"]
    assert (
        flicker["MSE, both axes"] < 0.01 < 0.2 < flicker["table"]
    )  # the new terms are what charges a tremble


def test_small_in_the_loss_and_large_in_the_gradient():
    (smooth, by), (jittery, _) = (
        loss_tracks.shares("smoke", 0.1, 0.0),
        loss_tracks.shares("smoke", 0.1, 0.05),
    )
    assert smooth["loss"] < jittery["loss"] < smooth["gradient"] < 1
    assert (
        by[:2].max() < 0.05 and by[len(by) // 2 :].min() > 0.95
    )  # slow: squared error; fast: speed and direction
    frame = loss_tracks.gradient_shares("smoke").frame
    assert frame.measured.between(0, 1).all() and frame.groupby(["error", "flicker"]).ngroups == 6


def test_counts_of_operations():
    x = torch.rand(2, 3).requires_grad_()
    c = loss_tracks.count(lambda a, _: (a * a).sum(), x, None)
    assert c.operations >= 4 and c.numbers >= 6 + 1 + 6
    assert loss_tracks.network_flops(64) == pytest.approx(
        267.9e9, rel=1e-3
    )  # as in the audit of "0.01 s"
    frame = loss_tracks.costs("smoke").frame.pivot(
        index="loss", columns="metric", values="measured"
    )
    assert (
        frame["numbers written"]["MSE"]
        < frame["numbers written"]["CCC"]
        < frame["numbers written"]["Non-Inertial"]
    )
    assert frame["per million operations of the network"].max() < 20


def test_timing_names_its_batch():
    frame = loss_tracks.timing("smoke")
    assert list(frame.loss) == ["MSE", "CCC", "Non-Inertial"] and (frame["loss, ms"] > 0).all()


def test_every_claim_of_the_notebook_has_a_verdict():
    table = papers.claims()
    said = {v.claim: v for v in loss_verdicts.judge("smoke")}
    assert set(said) == set(table.id[table.notebook == "10"])
    assert (
        said["orgil-a1_1"].verdict == "open" and said["orgil-a1_4"].verdict == "open"
    )  # a dial; two readings
    assert {v.verdict for c, v in said.items() if c not in ("orgil-a1_1", "orgil-a1_4")} == {
        "fails"
    }


# ---------------------------------------------------------------- the notebook, end to end


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    return run_notebook("10", tmp_path_factory.mktemp("losses"))


def test_every_artefact_is_there_with_its_provenance(smoke):
    assert results.problems(smoke) == []
    listed = papers.everything()
    for row in listed[listed.notebook == "10"].itertuples():
        folder, kinds = (
            ("tables", ("csv", "json"))
            if row.kind == "table"
            else ("figures", ("csv", "json", "svg", "png"))
        )
        assert all((smoke / folder / f"{row.id}.{kind}").stat().st_size > 0 for kind in kinds), (
            row.id
        )
        about = json.loads((smoke / folder / f"{row.id}.json").read_text())
        assert set(about["sources"]) == {name for name in row.data.split(";") if name}, row.id
    frame = pd.read_csv(smoke / "claims.csv", dtype=str, keep_default_na=False)
    assert (frame[frame.notebook == "10"].measured_verdict != "").sum() == 9
