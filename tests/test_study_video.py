"""Notebook 11 at its smallest, end to end: every artefact, both protocols, honest verdicts."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import run_notebook

from emolib.data.sim.dials import Dials
from emolib.features import store
from emolib.reproduction import papers
from emolib.reproduction.report import files as results
from emolib.reproduction.studies.video_networks import plan, streams, tables, training
from emolib.reproduction.studies.video_networks.tables import COLUMNS
from emolib.reproduction.studies.video_networks.training import MAIN

# ---------------------------------------------------------------- the plan


def test_the_plan_has_every_printed_setting(monkeypatch):
    monkeypatch.setattr(plan.Study, "world", lambda *_: None)
    monkeypatch.setattr(plan.datasets, "reference", lambda data: "aff_wild")
    grid = plan.Study("full").plan
    asked = {
        (a["held_out"], a["length"], network, loss)
        for (part, *_), a in grid.items()
        if part == "grid"
        for network, o in a["networks"].items()
        for loss in o["losses"]
        if loss in MAIN
    }
    for id, share in (("orgil2021-t3", 0.1), ("orgil2021-t5", 0.3)):
        printed = papers.published(id)
        rows = set(zip(printed.network, printed.train_loss, printed.sequence_length, strict=True))
        assert {(n, loss, length) for n, loss, length in rows} <= {
            (n, loss, str(length)) for s, length, n, loss in asked if s == share
        }
    assert len(asked) == 96 and ("grid", 0.1, 256, 4) in grid
    full = grid["grid", 0.1, 256, 0]["networks"]["Full Network"]
    assert full["sizes"] == [1024, 512, 256] and full["hidden"] == 256 and full["dropout"] == 0.5
    assert (
        grid["grid", 0.1, 256, 0]["epochs"],
        grid["grid", 0.1, 256, 0]["rate"],
        grid["grid", 0.1, 256, 0]["batch"],
    ) == (70, 0.01, 64)


def test_primary_contrasts_are_tested_over_twelve_people_at_quick(monkeypatch):
    """Each repeat trains all that the contrasts compare, and the repeats hold out other people."""
    monkeypatch.setattr("emolib.data.at_hand", lambda *_: False)
    study = plan.Study("quick")
    people, compared = set(), {name for pair in plan.PRIMARY for name in pair}
    for seed in study.seeds:
        run = study.plan["grid", *plan.TABLE_4, seed]
        assert compared <= set(run["networks"][plan.FULL]["losses"])
        chosen = training.split(study.films.subject, run["held_out"], seed)
        people |= set(study.films.subject[chosen.test])
    assert len(people) >= 12
    assert 3 * 2 / 2 ** len(people) < tables.SURE  # the smallest p after Holm


# ---------------------------------------------------------------- the streams


def test_another_hand_annotates_the_same_films(monkeypatch):
    """Roughness changes the annotation and nothing that the networks read."""

    def world(roughness):
        from emolib import data

        return data.reference(
            data.load(
                "aff_wild",
                source="simulated",
                profile="smoke",
                kind="rendered",
                videos=2,
                seconds=(2.0, 3.0),
                dials=Dials(roughness=roughness),
            )
        )

    made = []
    monkeypatch.setattr(streams.kept, "arrays", lambda name, key, make: made.append(key) or held)
    from emolib import data

    one = data.resolve(world(0.0))
    count = sum(map(len, one.valence_arousal))
    held = {name: np.full((count, 3), 0.5, np.float32) for name in streams.STREAMS}
    streams.frames.cache_clear()
    smooth, stepped = streams.frames(world(0.0), "cpu"), streams.frames(world(1.0), "cpu")
    assert made[0] == made[1] and len(made) == 2
    assert not np.allclose(smooth.target, stepped.target) and smooth.start[-1] == count


def test_stored_features_of_real_films_become_streams(monkeypatch):
    """Points over the size of the picture, no face as zeros, the backbone's features squashed; too short a track is an error that says so."""
    rng = np.random.default_rng(0)

    class Films:
        name, source, missing, subject, recipe = (
            "aff_wild",
            "real",
            None,
            np.array(["a", "b"]),
            "{}",
        )
        valence_arousal = [np.zeros((4, 2), np.float32), np.full((3, 2), 0.5, np.float32)]

    points = rng.random((4, 68, 2)).astype(np.float32) * [40, 20]
    found = np.array([True, True, False, True])
    points[~found] = np.nan
    look = rng.random((4, 6)).astype(np.float32)
    look[~found] = np.nan
    made = {
        "landmarks": {
            "points": points,
            "found": found,
            "box": np.zeros((4, 4)),
            "size": np.array([20, 40]),
            "body": np.concatenate([rng.random((4, 18, 2)) * [40, 20], np.ones((4, 18, 1))], 2),
        },
        "mel": {"mel": rng.normal(-40, 10, (5, 128)).astype(np.float32)},
        "backbone": {"features": look, "found": found},
    }
    monkeypatch.setattr(store, "stored", lambda data, feature: [made[feature], made[feature]])
    monkeypatch.setattr("emolib.features.extract.recipe", lambda feature, **_: feature)
    monkeypatch.setattr(streams.datasets, "resolve", lambda ref: Films())
    streams.frames.cache_clear()
    held = streams.frames("real films", "cpu")
    assert (
        held.widths == {"image": 6, "landmarks": 140, "pose": 36, "mel": 128}
        and len(held.target) == 7
    )
    assert all(x.min() >= 0 and x.max() <= 1 for x in held.streams.values())
    assert (held.streams["landmarks"][2] == 0).all() and (held.streams["image"][2] == 0).all()
    assert np.allclose(held.streams["landmarks"][0, :2], points[0, 0] / [40, 20], atol=1e-6)
    assert np.allclose(held.streams["image"][1], look[1] / (1 + look[1]), atol=1e-6)
    made["mel"]["mel"] = made["mel"]["mel"][:2]
    streams.frames.cache_clear()
    with pytest.raises(streams.EmolibError, match="4 annotated frames but 2 of mel"):
        streams.frames("real films", "cpu")
    streams.frames.cache_clear()


# ---------------------------------------------------------------- comparisons


def rows_of(values, people, seed=0):
    return pd.DataFrame(
        {
            "seed": seed,
            "video": range(len(values)),
            "person": people,
            **dict.fromkeys(COLUMNS, values),
        }
    )


def test_a_difference_is_paired_over_common_videos_and_seeds():
    people = [f"p{i}" for i in range(8)]
    a, b = rows_of(np.linspace(0, 1, 8) + 0.1, people), rows_of(np.linspace(0, 1, 8), people)
    other = pd.concat([b, rows_of(np.full(8, 9.0), people, seed=1)])
    gap = tables.difference(plan.Study("smoke"), a, other)
    assert gap["measured"] == pytest.approx(0.1) and gap["low"] == pytest.approx(0.1)
    assert gap["p"] == 2 / 256 and gap["people"] == 8


def test_holm_runs_over_the_whole_family_and_few_people_decide_nothing():
    sure = {"metric": "CCC", "measured": 0.2, "low": 0.1, "high": 0.3, "p": 0.02, "people": 20}
    assert list(tables.corrected([sure]).said) == ["differs"]
    assert list(tables.corrected([sure, sure | {"p": 0.9}, sure | {"p": 0.9}]).said) == ["open"] * 3
    assert list(tables.corrected([sure | {"people": 5}]).said) == ["too few people"]
    same = {"metric": "CCC", "measured": 0.0, "low": -0.01, "high": 0.01, "p": 0.9, "people": 20}
    assert list(tables.corrected([same]).said) == ["equal within 0.02"]
    assert list(tables.corrected([same | {"metric": "MSE, difference"}]).said) == [
        "open"
    ]  # the margin is one of CCC


# ---------------------------------------------------------------- the notebook


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    return run_notebook("11", tmp_path_factory.mktemp("smoke"))


def test_every_artefact_is_there_with_its_provenance(smoke):
    assert results.problems(smoke) == []
    listed = papers.everything()
    listed = listed[(listed.notebook == "11") & (listed.same_as == "")]
    assert len(listed) == 22
    for row in listed.itertuples():
        folder = smoke / ("tables" if row.kind == "table" else "figures")
        about = json.loads((folder / f"{row.id}.json").read_text())
        assert (
            about["sources"]["aff_wild"]["source"] == "simulated" and about["profile"] == "smoke"
        ), row.id


def test_both_protocols_and_all_printed_cells(smoke):
    for id, count in (("orgil2021-t3", 105), ("orgil2021-t5", 180)):
        frame = pd.read_csv(smoke / "tables" / f"{id}.csv", dtype={"sequence_length": str})
        keys = ["network", "train_loss", "sequence_length", "metric"]
        printed = frame.dropna(subset="printed").drop_duplicates(keys)
        assert len(printed) == count and printed.measured.notna().all()
        assert set(frame.protocol) == {"nested", "selected on the reported videos"} and set(
            frame.source
        ) == {"simulated"}
        assert set(frame.verdict.dropna()) <= {
            "not tested at this profile"
        }  # two epochs decide nothing
        wide = frame[frame.protocol == "nested"].pivot(
            index=keys[:3], columns="metric", values="measured"
        )
        assert (
            np.allclose(wide["CCC, sum of both axes"], 2 * wide["CCC"], atol=1e-5)
            and (wide["Non-Inertial"] >= wide["MSE"] / 2 - 1e-6).all()
        )
        assert wide["MSE"].between(0, 4).all() and wide["CCC"].between(-0.5, 0.5).all()
    missing = pd.read_csv(smoke / "tables" / "orgil2021-t3.csv", dtype={"sequence_length": str})
    missing = missing[
        (missing.network == "Audio Network")
        & (missing.train_loss == "Non-Inertial")
        & (missing.sequence_length == "256")
    ]
    assert missing.printed.isna().all() and missing.measured.notna().all()


def test_every_claim_has_a_second_verdict_and_simulation_decides_none_of_the_real_ones(smoke):
    frame = pd.read_csv(smoke / "claims.csv", dtype=str, keep_default_na=False).set_index("id")
    known = papers.claims()
    mine = known[known.notebook == "11"].set_index("id")
    assert (
        len(mine) == 31
        and (frame.measured_verdict[mine.index] != "").all()
        and (frame.because[mine.index] != "").all()
    )
    decided = frame.loc[mine.index].query("measured_verdict in ['holds', 'fails']").index
    assert (
        set(decided) <= set(mine.index[mine.decidable == "yes"])
        and frame.measured_verdict["orgil-a5_8"] == "fails"
    )
    assert frame.measured_verdict["orgil-a1_9"] == "not tested at this profile"
