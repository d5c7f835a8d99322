"""Notebook 30: who is on which side, what is counted, what is learnt, and the notebook at its smallest."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import sim_files
import torch
from conftest import run_notebook
from hypothesis import given
from hypothesis import strategies as st

from emolib import data as datasets
from emolib.data.sim import clip_sets, worlds
from emolib.ground.containers import ImageSet
from emolib.ground.errors import EmolibError
from emolib.models.path import PathGRU
from emolib.reproduction import papers, runs
from emolib.reproduction.report import files as results
from emolib.reproduction.runs import Standing
from emolib.reproduction.studies.adfes import claims, figures, plan, tables, training
from emolib.reproduction.studies.adfes.plan import NAMES
from emolib.reproduction.studies.adfes.tables import ACCURACY, IQR, MEAN, PN, PRECISION, RECALL

ANCHORS = plan.anchors().to_numpy().tolist()


# ---------------------------------------------------------------- rounds


def test_rounds_are_32_8_4_and_the_twin_safe_ones_keep_a_person_together():
    for safe in (False, True):
        for part in plan.rounds(22, 5, safe=safe):
            assert [part.count(p) for p in "tvx"] == [32, 8, 4]
            assert not safe or part[:22] == part[22:]
    assert any(p[:22] != p[22:] for p in plan.rounds(22, 5, safe=False))
    assert (
        len(set(plan.rounds(22, 5, safe=True))) == 5
        and plan.rounds(22, 3, safe=False) == plan.rounds(22, 5, safe=False)[:3]
    )


@pytest.mark.parametrize("safe", [False, True])
def test_a_rotation_tests_every_speaker_once(safe):
    turns = np.array([list(t) for t in plan.rotation(22, 11, safe=safe)])
    assert (
        ((turns == "x").sum(0) == 1).all()
        and ((turns == "x").sum(1) == 4).all()
        and ((turns == "v").sum(1) == 8).all()
    )
    assert (
        tables.twin_share([*map("".join, turns)]) == 0
        if safe
        else tables.twin_share([*map("".join, turns)]) > 0.6
    )


def test_small_worlds_have_rounds_too():
    for people, folds in ((4, 4), (3, 3)):
        for part in plan.rotation(people, folds, safe=True):
            assert set(part) == set("tvx")


# ---------------------------------------------------------------- scores


def test_scores_by_meaning():
    perfect = np.eye(10)[None] * 4
    assert {k: v[0] for k, v in tables.rates(perfect).items()} == {
        PRECISION: 1,
        RECALL: 1,
        ACCURACY: 1,
        PN: 1,
    }
    negative = np.zeros((10, 10))
    negative[:, NAMES.index("Fear")] = 1  # always one of the six negative emotions
    found = tables.rates(negative)
    assert (
        found[PN] == pytest.approx(0.6)
        and found[ACCURACY] == pytest.approx(0.1)
        and found[PRECISION] == pytest.approx(0.01)
    )
    assert np.isnan(tables.rates(np.zeros((10, 10)))[ACCURACY])
    guess = tables.rates(np.full((10, 10), 0.1))
    assert guess[PN] == pytest.approx(0.36 + 0.09 + 0.01) and guess[ACCURACY] == pytest.approx(0.1)


@given(st.integers(0, 2**32 - 1))
def test_recall_is_accuracy_where_classes_are_equal(seed):
    named = np.random.default_rng(seed).integers(0, 10, (10, 30))
    counts = np.stack([np.bincount(row, minlength=10) for row in named])
    found = tables.rates(counts)
    assert found[RECALL] == pytest.approx(found[ACCURACY]) and found[PN] >= found[ACCURACY]


def test_votes_and_means():
    points = np.array(ANCHORS)[[5, 5, 8, 5, 8, 8, 8, 1, 5, 5]][
        None
    ]  # ten frames: joy five times, sadness four
    said = tables.named(points)
    assert said["video"].tolist() == [[5]]
    assert said["frame"].shape == (1, 10) and said["window"].shape == (1, 1)
    equally = tables.named(np.array(ANCHORS)[[3, 3, 1, 1]])
    assert equally["video"].tolist() == [1]  # the first in the order of names
    assert tuple(plan.anchors().index) == NAMES and NAMES[5] == "Joy"


def test_the_study_uses_the_published_anchors_not_those_of_the_simulator():
    from emolib.data.sim.affect import ANCHORS as SIMULATED

    printed = papers.published("yin2022-t2")
    joy = printed[printed.emotion == "Joy"].set_index("metric").value
    assert (
        tuple(plan.anchors().loc["Joy"])
        == (joy.Valence, joy.Arousal)
        == (0.95, 0.12)
        != SIMULATED["happy"]
    )


def test_sizes_of_one_depth_and_like_width_share_a_stack():
    assert plan.alike([(100,), (5,), (20,), (50,)]) == [[(5,), (20,)], [(50,), (100,)]]
    assert plan.alike([(10, 10), (5,), (9, 9)]) == [[(5,)], [(9, 9), (10, 10)]]
    with pytest.raises(EmolibError, match="quick"):
        plan.Study("quik")


# ---------------------------------------------------------------- learning


LABEL = np.tile(np.arange(10), 6)  # of the films in `described`


@pytest.fixture
def described(monkeypatch):
    """Features that hold the answer: 6 people, 10 emotions, 20 frames, the anchor itself with noise, and a mark of the person."""
    rng, films = np.random.default_rng(0), np.repeat(np.arange(6), 10)
    clean = np.array(ANCHORS)[LABEL]
    x = np.concatenate(
        [clean[:, None] + 0.05 * rng.normal(size=(60, 20, 2)), 0.3 * rng.normal(size=(60, 20, 6))],
        -1,
    ).astype(np.float32)
    kept = {"features": np.concatenate([x, x])}
    monkeypatch.setattr(runs, "map", lambda fn, grid, **more: [kept for _ in grid])
    return {
        "features": {},
        "people": films.tolist(),
        "points": clean.tolist(),
        "length": 10,
        "batch": 16,
        "epochs": 25,
        "rate": 0.02,
        "patience": 25,
    }


def test_a_stack_learns_and_each_member_keeps_its_own_best_epoch(described):
    torch.set_num_threads(1)
    parts = plan.rotation(6, 3, safe=True)
    networks = described | {"sizes": [[6], [10], [10]], "parts": parts, "seeds": [0, 1, 1]}
    made = training.walk(**networks)
    speaker, label = np.tile(described["people"], 2), np.tile(LABEL, 2)
    for m, part in enumerate(parts):
        tested = np.array([part[s] == "x" for s in speaker])
        video = tables.named(made["points"][m, tested])["video"][:, 0]
        assert (video == label[tested]).mean() > 0.7
    assert (made["best_epoch"] == made["validation"].argmin(0)).all() and made[
        "validation"
    ].shape == (len(made["loss"]), 3)
    assert np.isfinite(made["points"]).all() and made["points"].shape == (3, 120, 20, 2)
    assert made["parameters"].tolist() == [302, 622, 622]
    net = training.alone(networks, made, 2)
    again = training.placed(net, torch.as_tensor(runs.map(None, [0])[0]["features"]), 10)
    assert np.allclose(again[0], made["points"][2], atol=1e-5)


def test_the_weights_are_those_of_each_members_own_best_epoch(described):
    """At a rate that is too high the last epoch is not the best; the points that come back have the lowest loss of the curve."""
    torch.set_num_threads(1)
    parts = plan.rotation(6, 3, safe=True)
    networks = described | {"rate": 0.3, "epochs": 12, "sizes": [[6]] * 3, "parts": parts}
    made = training.walk(**networks, seeds=[0, 1, 2])
    assert len(set(made["best_epoch"].tolist())) > 1 and (made["best_epoch"] < 11).any()
    x = torch.as_tensor(runs.map(None, [0])[0]["features"])
    point = torch.tensor(described["points"]).repeat(2, 1)
    for m, part in enumerate(parts):
        decide = torch.tensor(
            [
                [
                    part[s] == "v"
                    for s in [*described["people"], *(f + 6 for f in described["people"])]
                ]
            ]
        )
        net = training.alone(networks, made, m)
        best = training.Best(net, x, point, decide, 10)
        with torch.no_grad():
            best(net, 0)
        assert best.curve[0][0] == pytest.approx(made["validation"][:, m].min(), abs=1e-5)


def test_a_member_does_not_depend_on_its_company(described):
    torch.set_num_threads(1)
    parts = plan.rounds(6, 1, safe=True)
    small = described | {"epochs": 3}
    alone = training.walk(**small, sizes=[[4]], parts=parts, seeds=[5])
    crowd = training.walk(**small, sizes=[[9], [4]], parts=parts * 2, seeds=[0, 5])
    assert np.allclose(alone["points"][0], crowd["points"][1], atol=1e-4)


def test_validation_looks_at_its_own_people_only(described):
    x = torch.as_tensor(runs.map(None, [0])[0]["features"])
    point = torch.tensor(described["points"]).repeat(2, 1)
    decide = torch.zeros(2, 120, dtype=torch.bool)
    decide[0, :20], decide[1, 40:50] = True, True
    net = PathGRU([(3,), (3,)], 8).initialise([0, 1])

    def judged(features):
        best = training.Best(net, features, point, decide, 10)
        with torch.no_grad():
            best(net, 0)
        return best.curve[0]

    other = x.clone()
    other[60:] = 100.0  # people whom nobody asks
    assert np.array_equal(judged(x), judged(other)) and len(set(judged(x))) == 2
    other[:20] = 0.0
    assert judged(other)[0] != judged(x)[0] and judged(other)[1] == judged(x)[1]


@pytest.fixture
def pictures(monkeypatch):
    """Bright bars at a height of their own for each of seven labels, 28 of them in the test part too."""
    rng, label = np.random.default_rng(1), np.tile(np.arange(7), 40)
    images = rng.integers(0, 60, (280, 48, 48), dtype=np.uint8)
    for i, k in enumerate(label):
        images[i, 6 * k : 6 * k + 6] += 150
    split = np.array(["Training"] * 252 + ["PublicTest"] * 28)
    images[:28] = images[252:]
    made = ImageSet(
        name="fer2013",
        source="simulated",
        images=images,
        label=label,
        subject=np.arange(280).astype(str),
        split=split,
    )
    monkeypatch.setattr(datasets, "resolve", lambda ref: made)
    return made


def test_pretraining_learns_bars_and_never_sees_test_pictures(pictures, monkeypatch):
    monkeypatch.setenv("EMOLIB_DEVICE", "cpu")
    torch.set_num_threads(1)
    assert (
        set(training.training_rows(pictures, None)) == set(range(28, 252))
        and len(training.training_rows(pictures, 50)) == 50
    )
    args = dict(
        data="",
        anchors=ANCHORS[:7],
        side=16,
        channels=[4, 8, 8],
        features=12,
        count=None,
        epochs=8,
        rate=5e-3,
        batch=16,
        patience=9,
    )
    made = training.pretrain(**args)
    assert made["validation"].min() < 0.5 < made["validation"][0] + 0.4 and made["pictures"] == 202
    features = training.describer(made)(np.zeros((3, 16, 16), np.uint8))
    assert features.shape == (3, 12) and made["scale"] > 0


@pytest.fixture
def tuning(monkeypatch):
    """Two kinds of film, bars at the top or at the bottom, of four people and their mirror images."""
    monkeypatch.setenv("EMOLIB_DEVICE", "cpu")
    torch.set_num_threads(1)
    rng = np.random.default_rng(2)
    faces = rng.integers(0, 60, (8, 6, 16, 16), dtype=np.uint8)  # (films, frames, side, side)
    faces[::2, :, 1:5] += 150
    faces[1::2, :, 11:15] += 150
    with torch.random.fork_rng():
        torch.manual_seed(0)
        fresh = training.QuadrantCNN((4, 8, 8), 12)
    start = {"weights": {k: v.numpy().copy() for k, v in fresh.state_dict().items()}, "scale": 1.0}
    look = {"faces": faces.reshape(-1, 16, 16), "counts": np.full(8, 6)}
    asked = []

    def mapped(fn, grid, **more):
        asked.append(fn)
        if fn is training.fine_tune:
            return [training.fine_tune(**one) for one in grid]
        return [{training.look: look, training.pretrain: start}[fn] for _ in grid]

    monkeypatch.setattr(runs, "map", mapped)
    arguments = {
        "looks": [{"clips": list(range(8))}],
        "cnn": {},
        "people": np.repeat(np.arange(4), 2).tolist(),
        "points": np.tile([[0.8, 0.5], [-0.8, -0.5]], (4, 1)).tolist(),
        "part": "ttvxttvx",
        "seed": 0,
        "frames": 3,
        "epochs": 12,
        "rate": 5e-3,
        "batch": 8,
        "patience": 12,
    }
    return arguments, start, faces, asked


def test_fine_tuning_goes_on_from_the_pretrained_cnn_and_learns(tuning):
    arguments, start, *_ = tuning
    still = training.fine_tune(**arguments | {"rate": 0.0, "epochs": 1})
    learnt = training.fine_tune(**arguments)
    for name, value in start["weights"].items():
        if "running" not in name and "num_batches" not in name:
            assert np.array_equal(still["weights"][name], value), name
    assert not np.array_equal(learnt["weights"]["third.weight"], start["weights"]["third.weight"])
    assert learnt["validation"].min() < 0.2 < learnt["validation"][0]
    assert learnt["pictures"] == 8 * 3  # four speakers' two films, three frames each


def test_fine_tuning_never_sees_the_tested_speakers(tuning):
    arguments, _, faces, _ = tuning
    before = training.fine_tune(**arguments)
    faces[6:] = 255 - faces[6:]  # person 3 and, with it, the mirror image: both are tested
    after = training.fine_tune(**arguments)
    assert all(np.array_equal(before["weights"][k], after["weights"][k]) for k in before["weights"])
    faces[:2] = 255 - faces[:2]
    other = training.fine_tune(**arguments)
    assert not np.array_equal(before["weights"]["out.weight"], other["weights"]["out.weight"])


def test_features_of_a_tuned_round_come_from_its_own_cnn(tuning):
    arguments, _, _, asked = tuning
    looks = arguments["looks"]
    frozen = training.describe(looks=looks, cnn={})["features"]
    assert training.fine_tune not in asked
    tuned = training.describe(looks=looks, cnn=arguments)["features"]
    assert frozen.shape == tuned.shape == (16, 6, 12) and not np.allclose(frozen, tuned)


# ---------------------------------------------------------------- films


def test_posed_films_end_at_the_apex():
    """The last fifty frames carry the emotion: their units are as strong as the strongest of the film."""
    world = worlds.adfes(0, 2)
    for i in range(len(world)):
        units = clip_sets.film(world, i).units
        shown = np.delete(units, [k for k, u in enumerate(clip_sets.face.UNITS) if u == 43], 1).sum(
            1
        )
        assert shown[:5].max() < 0.05 and shown[-50:].min() > 0.99 * shown.max()


@pytest.mark.slow  # the simulator compiles itself anew in each test's cache
def test_real_films_go_through_dlib(tmp_path, monkeypatch):
    """ADFES in its real layout, filled with drawn films: the same crops as where the face is known, give or take a few pixels."""
    pytest.importorskip("dlib", reason="NOT TESTED: dlib is not installed")
    world = worlds.adfes(
        3,
        1,
        size=160,
        seconds=0.4,
        span=0.8,
        dials=clip_sets.Dials(missing_face=0.0, label_noise=0.0),
    ).select([0, 4])
    sim_files.write(world, tmp_path)
    read = datasets.load("adfes", tmp_path)
    assert read.source == "real"
    made = {}
    for name, data in (
        ("real", read),
        ("known", world.select(np.argsort(world.meta.image.to_numpy()))),
    ):
        monkeypatch.setattr(datasets, "resolve", lambda ref, data=data: data)
        made[name] = training.look(data=name, clips=[0, 1], last=6, stride=2, side=24, every=2)
    assert made["real"]["counts"].tolist() == [3, 3] and made["real"]["faces"].shape == (6, 24, 24)
    pairs = zip(
        made["real"]["faces"].astype(float), made["known"]["faces"].astype(float), strict=True
    )
    assert np.mean([np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in pairs]) > 0.7


# ---------------------------------------------------------------- the notebook


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    return run_notebook("30", tmp_path_factory.mktemp("yin"))


def test_every_artefact_is_there_with_its_provenance(smoke):
    assert results.problems(smoke) == []
    listed = papers.everything()
    for row in listed[listed.notebook == "30"].itertuples():
        folder = smoke / ("tables" if row.kind == "table" else "figures")
        about = json.loads((folder / f"{row.id}.json").read_text())
        assert set(about["sources"]) == {name for name in row.data.split(";") if name}, row.id
        assert (
            all(s["source"] == "simulated" for s in about["sources"].values())
            and (folder / f"{row.id}.csv").stat().st_size > 100
        )
    # the moving path stays in the notebook; pages are the report's
    assert not list(smoke.glob("*/*.html"))


def test_table_3_has_every_printed_cell_and_both_splits(smoke):
    frame, printed = (
        pd.read_csv(smoke / "tables" / "yin2022-t3.csv"),
        papers.published("yin2022-t3"),
    )
    keys = ["model", "data", "statistic", "metric"]
    assert len(printed[keys].merge(frame[keys].drop_duplicates())) == len(printed) == 32
    assert set(frame.protocol) == {
        f"{s}, per {u}" for s in ("as printed", "twin-safe") for u in ("frame", "window", "video")
    }
    assert set(frame.source) == {"simulated"} and frame.measured.between(0, 1).all()
    mean = frame[frame.statistic == MEAN].dropna(subset=["low"])
    assert (mean.low <= mean.measured + 1e-6).all() and (mean.measured <= mean.high + 1e-6).all()
    negative = frame[(frame.model == "always negative") & (frame.metric == PN)].measured
    assert negative.between(0.58, 0.62).all() and len(frame[frame.statistic == IQR]) == 144 + 16
    tuned = frame[frame.model == plan.TUNED].set_index(["data", "protocol", "metric", "statistic"])
    frozen = frame[frame.model == plan.NAME].set_index(["data", "protocol", "metric", "statistic"])
    assert len(tuned) == len(frozen) and not tuned.measured.equals(frozen.measured)
    assert set(frame.verdict[frame.printed.notna()]) == {"not strong enough"}
    assert (frame.model == tables.LINEAR).sum() == 2 * 2 * 4 * 2


def test_the_gap_is_the_difference_of_its_rows(smoke):
    frame = pd.read_csv(smoke / "tables" / "yin2022-x10.csv")
    wide = frame[frame.scored != "speaker"].pivot(
        index=["scored", "metric"], columns="split", values="measured"
    )
    networks = wide.dropna(subset="gap")
    assert np.allclose(networks["as printed"] - networks["twin-safe"], networks["gap"], atol=2e-6)
    assert len(networks) == 6 and len(wide) == 8  # and the linear discriminant
    assert frame.holm.notna().sum() == 6 and (frame.holm.dropna() >= frame.p.dropna() - 1e-9).all()
    share = frame[frame.scored == "speaker"].measured.iloc[0]
    assert 0 < share <= 1
    assert set(networks[f"gap: {tables.SMALLEST_P}"]) == {6 * 2.0 ** (1 - 4)}  # four people
    effect = networks[f"gap: {tables.DETECTABLE}"]
    assert (effect.dropna() > 0).all() and (effect.isna() == (networks["gap"] == 0)).all()


def test_two_verdicts_and_nothing_decided_that_simulation_cannot(smoke):
    frame = pd.read_csv(smoke / "claims.csv", dtype=str, keep_default_na=False).set_index("id")
    known = papers.claims().set_index("id")
    mine = known[known.notebook.eq("30")]
    second = frame.loc[mine.index]
    assert (second.because != "").all()
    assert set(second.outcome[mine.needs == "print"]) == {"arithmetic only"}
    assert set(second.outcome[mine.needs == "adfes"]) == {"needs the real set"}
    assert second.outcome["yin-c5"] == "not replicated"
    assert second.outcome["yin-c3"] == "not strong enough"


# ---------------------------------------------------------------- claims


def test_each_claim_beyond_print_has_a_rule():
    known = papers.claims()
    mine = known[(known.notebook == "30") & (known.needs != "print")]
    assert set(claims.claim.rules) == set(mine.id)


def row(**values):
    return pd.DataFrame([{"low": 0.3, "measured": 0.4, "high": 0.5} | values])


@pytest.fixture
def shown(monkeypatch):
    """A study in which everybody poses each emotion once, and what `standing` reads of it."""
    counts = np.zeros((2, 22, 10, 10))
    counts[:, :20] = np.eye(10)  # two people are never tested
    study = plan.Study("smoke")
    monkeypatch.setattr(plan.Study, "members", lambda self, split: range(2))
    monkeypatch.setattr(plan.Study, "settled", lambda self, name: name != "still moving")
    rotations = {claims.SMALL: (plan.ROTATION, range(2)), claims.DEEP: ("still moving", range(2))}
    monkeypatch.setattr(plan.Study, "rotations", rotations)
    monkeypatch.setattr(tables, "counts", lambda *_: counts)
    sizes = [
        row(changed=units, metric=ACCURACY, p=0.1, low=low)
        for units, low in zip(rotations, (0.3, 0.2))
    ]
    outcome = lambda frame: type("Made", (), {"frame": frame})()  # noqa: E731
    monkeypatch.setattr(tables, "layers_and_units", lambda study: outcome(pd.concat(sizes)))
    monkeypatch.setattr(tables, "gap", lambda study: outcome(pd.concat([row(p=0.1)] * 6)))
    return study


def test_what_a_network_has_shown(shown):
    small = claims.standing(shown, claims.SMALL, plan.ROTATION)
    assert (small.low, small.trivial, small.flat) == (0.3, 0.1, True)
    assert small.people == 20 and small.family == 2 and small.stock == (tables.LINEAR,)
    assert small.smaller == "of (4, 8, 12) channels on 16 pixels"
    assert claims.standing(shown, claims.SMALL, claims.TWINS).family == 6
    least = claims.standing(shown, claims.SIZES, plan.ROTATION)
    assert not least.flat and least.low == 0.2 and least.name.startswith(claims.DEEP)


def test_the_linear_discriminant_names_strangers_where_features_hold_the_name(monkeypatch):
    """The films of `described`: 6 people, the anchor itself with noise; two are never trained on."""
    rng = np.random.default_rng(1)
    x = np.array(ANCHORS)[LABEL][:, None] * [1, 1] + 0.02 * rng.normal(size=(60, 20, 2))
    kept = {"features": np.concatenate([x, x]) @ rng.normal(size=(2, 8))}
    monkeypatch.setattr(runs, "map", lambda fn, grid, **more: [kept])
    for part, value in {
        "features": {},
        "truth": LABEL,
        "person": np.repeat(np.arange(6), 10),
        "people": list("abcdef"),
        "grid": {"net": {"parts": ["ttttxx" * 2, "xxtttt" * 2]}},
    }.items():
        monkeypatch.setattr(plan.Study, part, value)
    counts = tables.counts(plan.Study("smoke"), "net", range(2), "x", "video", stock=True)
    people = counts.sum((2, 3))  # (R, P)
    assert (people > 0).tolist() == [[False] * 4 + [True] * 2, [True] * 2 + [False] * 4]
    assert tables.right(counts, ACCURACY).sum() > 0.5 * counts.sum()


GATES = {
    "trivial": {"low": 0.1},
    "plateau": {"flat": False},
    "people": {"people": 6},
    "stock": {"stock": ()},
    "size": {"smaller": "of few channels"},
}


def test_real_films_decide_once_every_gate_is_passed(shown, monkeypatch):
    """A sign found more often than by guessing, and less often; then each gate closes."""
    passed = dict(low=0.3, trivial=0.1, flat=True, people=22, stock=("SVM",), family=6)

    def judged(claim, **worse):
        stands = lambda study, name, trained: Standing(name, **passed | worse)  # noqa: E731
        monkeypatch.setattr(claims.claim, "standing", stands)
        for data in ("films", "pictures"):
            monkeypatch.setattr(plan.Study, data, SimpleNamespace(source="real"))
        return claims.claim._verdict(shown, claim, "adfes", "")

    for low, high, outcome in (
        (0.7, 0.8, "replicated"),
        (0.4, 0.5, "not replicated"),
        (0.5, 0.7, "not strong enough"),
    ):
        found = SimpleNamespace(low=low, measured=0.5, high=high)
        monkeypatch.setattr(claims, "rotated", lambda *_, found=found: found)
        monkeypatch.setattr(tables, "tested", lambda *_: np.eye(10)[None])
        assert judged("yin-c2").outcome == outcome
    for gate, worse in GATES.items():
        if gate != "size":  # whether a sign is found is a contrast with guessing
            assert judged("yin-c2", **worse).gate == gate
    monkeypatch.setattr(claims, "models", lambda *_, **__: row())
    assert judged("yin-c1").outcome == "not replicated"
    assert judged("yin-c1", **GATES["size"]).gate == "size"


def test_figures_show_training_and_held_out_side_by_side(smoke):
    for name in ("f5", "f6", "f7"):
        frame = pd.read_csv(smoke / "figures" / f"yin2022-{name}.csv")
        assert set(frame.people) == {figures.TRAINED, figures.HELD}, name
    path = pd.read_csv(smoke / "figures" / "yin2022-f6.csv")
    assert (
        path.groupby(["people", "emotion"], sort=False).frame.apply(
            lambda f: (np.diff(f) > 0).all()
        )
    ).all() and set(path.emotion) == set(figures.TOLD)
    trained, held = (set(path.person[path.people == g]) for g in (figures.TRAINED, figures.HELD))
    assert not trained & held
