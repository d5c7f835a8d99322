"""Notebook 10's study: geometry whose answer is known, tracks, counts, and the notebook at its smallest."""

import json
import math
import types
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import run_notebook

from emolib import losses
from emolib.ground.errors import EmolibError
from emolib.reproduction import papers
from emolib.reproduction.report import files as results
from emolib.reproduction.studies.losses import claims, tables

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def study():
    return tables.Study("smoke")


# ---------------------------------------------------------------- geometry


def test_the_angle_is_one_at_every_length():
    for degrees in (0.0, 10.0, 90.0, 170.0, 180.0):
        for long in (0.01, 1.0):
            assert float(
                tables.angle(tables.unit(degrees + 35.0, long), tables.unit(35.0))
            ) == pytest.approx(math.radians(degrees), abs=1e-7)


def test_curves_shrink_with_the_square_of_the_length(study):
    frame = tables.angle_curves(study).frame
    product = frame[frame.formula == "Eq. 5, product"].pivot(
        index="degrees", columns="vectors", values="measured"
    )
    np.testing.assert_allclose(
        product["both halfway out"], product["both on the unit circle"] / 4, atol=1e-6
    )


def test_points_are_on_the_disc():
    points = tables.on_disc(21)
    assert (
        (points.norm(dim=1) <= 1 + 1e-9).all()
        and 0.7 < len(points) / 21**2 < 0.85
        and torch.equal(points, torch.unique(points, dim=0))
    )


def test_speed_and_direction_vanish_at_the_annotation_and_at_its_mirror_image(study):
    places = torch.stack(
        [study.moment[-1], study.mirror, torch.tensor([0.5, 0.5], dtype=torch.float64)]
    )
    value = losses.non_inertial(
        *study.predicted(places), terms=("speed", "direction"), reduction="none"
    )
    assert value[:2].abs().max() < 1e-12 and value[2] > 0.01
    distance = losses.non_inertial(*study.predicted(places), terms=("distance",), reduction="none")
    assert distance[0] == 0 and distance[1] > 0.05


def test_descents_end_where_they_must(study):
    frame = tables.descents(study).frame.pivot(index="loss", columns="metric", values="measured")
    np.testing.assert_allclose(frame.sum(axis=1), 1, atol=2e-4)
    assert frame.loc["distance", "the annotation"] == 1
    assert (
        0.3 < frame.loc["speed and direction", "its mirror image"] < 0.6
        and 0.1 < frame.loc["all three (table)", "its mirror image"] < 0.45
    )


def test_an_unknown_profile_is_named():
    with pytest.raises(EmolibError, match="did you mean quick"):
        tables.Study("quik")


# ---------------------------------------------------------------- tracks


def test_windows_are_whole_and_belong_to_one_person(study):
    y, owner = study.annotated
    made = study.world
    assert y.shape[1:] == (128, 2) and len(y) == len(owner) == sum(
        len(t) // 128 for t in made.valence_arousal
    )
    assert set(owner) <= set(made.subject) and torch.equal(
        y[0], torch.as_tensor(made.valence_arousal[0][:128], dtype=torch.float64)
    )


def test_a_flicker_raises_the_share_of_the_new_terms_in_loss_and_gradient(study):
    (smooth, _), (jittery, by) = (tables.shares(study, 0.1, 0.0), tables.shares(study, 0.1, 0.05))
    assert smooth["loss"] < jittery["loss"] < 1 and smooth["loss"] < smooth["gradient"]
    assert smooth["gradient"] < jittery["gradient"] < 1
    assert (
        by[:2].max() < 0.05 and by[len(by) // 2 :].min() > 0.95
    )  # slow: squared error; fast: speed and direction
    frame = tables.gradient_shares(study).frame
    assert frame.measured.between(0, 1).all() and frame.groupby(["error", "flicker"]).ngroups == 6


def test_counts_of_operations(study):
    x = torch.rand(2, 3).requires_grad_()
    c = tables.count(lambda a, _: (a * a).sum(), x, None)
    assert c.operations >= 4 and c.numbers >= 6 + 1 + 6
    assert tables.network_flops(64) == pytest.approx(
        267.9e9, rel=1e-3
    )  # as in the audit of "0.01 s"
    frame = tables.costs(study).frame.pivot(index="loss", columns="metric", values="measured")
    assert (
        frame["numbers written"]["MSE"]
        < frame["numbers written"]["CCC"]
        < frame["numbers written"]["Non-Inertial"]
    )
    assert frame["per million operations of the network"].max() < 20


def test_timing_names_its_batch(study):
    frame = tables.timing(study)
    assert list(frame.loss) == ["MSE", "CCC", "Non-Inertial"] and (frame["loss, ms"] > 0).all()


def test_the_rules_are_those_of_the_claims_that_print_does_not_decide():
    known = papers.claims()
    known = known[known.notebook == "10"]
    assert set(claims.claim.rules) == set(known.id[known.needs != "print"])


def test_every_claim_of_the_notebook_has_a_verdict(study):
    said = {v.claim: v.outcome for v in claims.judge(study)}
    assert said.pop("orgil-a1_1") == "needs the real set"  # how rough a simulated hand is, a dial
    assert said.pop("orgil-a1_4") == "arithmetic only"  # decides, and both readings of the mean fit
    assert said.pop("orgil-a1_5") == "in simulation: no"
    assert len(said) == 6 and set(said.values()) == {"not replicated"}


def test_annotated_tracks_of_people_decide_what_tracks_can(study, monkeypatch):
    real = tables.Study("smoke")
    world = types.SimpleNamespace(**vars(study.world) | {"source": "real"})
    monkeypatch.setattr(tables.Study, "world", world)
    said = {v.claim: v for v in claims.judge(real)}
    assert len(real.worlds) == 1 and said["orgil-a1_5"].outcome == "not replicated"
    for rest, outcome in ((0.5, "replicated"), (0.01, "not replicated")):
        both = {"loss": rest, "gradient": 0.5}, None
        monkeypatch.setattr(tables, "shares", lambda *_, both=both: both)
        said = {v.claim: v for v in claims.judge(real)}
        assert said["orgil-a1_1"].outcome == outcome and said["orgil-a1_1"].source == "real"


def test_one_simulated_world_is_too_few_for_the_positions(study, monkeypatch):
    monkeypatch.setitem(
        claims.claim.rules, "orgil-a1_5", replace(claims.claim.rules["orgil-a1_5"], worlds=1)
    )
    said = {v.claim: v for v in claims.judge(study)}
    assert said["orgil-a1_5"].gate == "worlds"


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
    mine = frame[frame.notebook == "10"]
    assert len(mine) == 9 and (mine.outcome != "").all() and (mine.because != "").all()
