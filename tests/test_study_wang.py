"""Notebook 20: what its networks are fed, how they are judged, and that no row is seen before it is tested."""

import json

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score
from sklearn.preprocessing import MinMaxScaler

from emolib import data as datasets
from emolib.reproduction import papers
from emolib.reproduction.runs.claims import NEEDS_REAL, REPLICATED
from emolib.reproduction.studies.sfew import claims, plan, tables, training

pytestmark = pytest.mark.usefixtures("one_thread")
ARGUMENTS = {"seeds": [0, 1], "folds": 3}


@pytest.fixture(scope="module")
def study():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMOLIB_DATA", "/no/such/folder")
        made = plan.Study("smoke")
        assert made.table.source == "simulated"
        yield made


def feed(study, **more):
    views = [["LPQ", "training rows"], ["PHOG", "all rows"]]
    common = {
        "data": datasets.reference(study.table),
        "split": "random",
        "views": views,
        "batch": 10,
    }
    return training.Feed(2, **(common | ARGUMENTS | more))


def answered(study, named):
    """The study with made predictions {(method, protocol): named (R, N)} in place of trained ones."""
    fresh = plan.Study("smoke")
    name = (tables.predictions.__module__, tables.predictions.__qualname__, (), ())
    fresh.memory[name] = (named, [])
    return fresh


# ---------------------------------------------------------------- the plan


@pytest.mark.parametrize("profile", ["smoke", "quick", "overnight", "full"])
def test_the_plan_is_plain_and_holds_what_table_3_prints(profile, monkeypatch):
    monkeypatch.setenv("EMOLIB_DATA", "/no/such/folder")
    made = plan.Study(profile)
    texts = [json.dumps(run, sort_keys=True) for run in made.plan.values()]
    assert len(set(texts)) == len(texts), "two names for one run"
    paper = made.plan["shallow, as printed, random"]
    assert (paper["batch"], paper["rate"]) == (10, 1e-4)
    assert {reading["angle"] for reading in paper["readings"]} == {60.0}
    assert {name for name, _ in paper["views"]} == {"LPQ", "PHOG"}
    for split in training.SPLITS:
        assert f"cnn fusion, nested, {split}" in made.plan and f"majority, {split}" in made.plan


def test_full_has_the_printed_budgets():
    sizes = plan.Study.SIZES["full"]
    assert (sizes.shallow_epochs, sizes.cnn_epochs) == (200, 30)
    assert sizes.units == tuple(range(6, 17)) and sizes.angles == tuple(range(10, 81, 10))


# ---------------------------------------------------------------- splits and scaling


def test_no_cast_stands_on_two_sides_unless_the_split_is_random(study):
    cast = np.asarray(study.table.subject)
    for cut in training.folds_of(study.table, "movie-grouped", 3, 0):
        assert not set(cast[cut.test]) & (set(cast[cut.train]) | set(cast[cut.validation]))
    leaks = [
        set(cast[c.test]) & set(cast[c.train])
        for c in training.folds_of(study.table, "random", 3, 0)
    ]
    assert all(leaks)


@pytest.mark.parametrize("split", training.SPLITS)
def test_every_row_is_tested_once_and_trained_on_by_nobody_who_is_tested_on_it(study, split):
    made = feed(study, split=split)
    tested = made.part[2].sum(1)  # (R, N)
    assert (tested == 1).all() and not (made.part[0] & made.part[2]).any()
    order = made.order(training.MAIN, epoch=3)
    for r in range(2):
        for k in range(3):
            assert made.part[0, r, k, order[r, k]].all()
            assert len(order[r, k].unique()) == order.shape[-1], "a row twice in an epoch"


def test_scaling_is_scikit_learns_and_knows_only_the_rows_it_is_fitted_on(study):
    features = study.table.features[:, training.FEATURES["LPQ"]]
    fitted = np.zeros(len(features), bool)
    fitted[:200] = True
    ours = training.min_max(features, fitted)
    np.testing.assert_allclose(
        ours, MinMaxScaler().fit(features[:200]).transform(features), atol=1e-12
    )
    moved = features.copy()
    moved[300:] += 5
    np.testing.assert_array_equal(training.min_max(moved, fitted)[:200], ours[:200])
    assert (training.min_max(np.ones((4, 2)), np.ones(4, bool)) == 0).all()


def test_members_differ_by_seed_and_fold_only(study):
    seeds = np.reshape(feed(study).member_seeds(), (2, 2, 2, 3))  # settings, views, seeds, folds
    assert (seeds == seeds[:1, :1]).all() and len(np.unique(seeds[0, 0])) == 6


def test_the_loss_is_torchs_own_summed_over_members():
    x, y = torch.randn(4, 5, 3), torch.eye(7)[torch.arange(10).reshape(2, 5) % 7]
    weight = torch.randn(4, 3, 7)
    each = [torch.nn.functional.smooth_l1_loss(x[m] @ weight[m], y[m % 2]) for m in range(4)]
    ours = training.smooth_l1(lambda inputs: inputs @ weight, x, y)
    torch.testing.assert_close(ours, torch.stack(each).sum())


def test_cross_entropy_is_torchs_own_summed_over_members():
    x, y = torch.randn(4, 5, 3), torch.eye(7)[torch.arange(10).reshape(2, 5) % 7]
    weight = torch.randn(4, 3, 7)
    each = [torch.nn.functional.cross_entropy(x[m] @ weight[m], y[m % 2]) for m in range(4)]
    ours = training.ensemble_loss(training.cross_entropy_each)(lambda rows: rows @ weight, x, y)
    torch.testing.assert_close(ours, torch.stack(each).sum())


@pytest.mark.parametrize("loss, of_silence", [("smooth L1", 0.5 / 7), ("cross-entropy", np.log(7))])
def test_a_network_is_watched_in_the_loss_that_it_learns(study, loss, of_silence):
    judge = training.Judge(feed(study), loss)
    judge(lambda x: torch.zeros(*x.shape[:2], 7), 0)
    np.testing.assert_allclose(judge.curves["validation loss"][0], of_silence, rtol=1e-5)


def test_table_3_has_his_networks_under_either_loss(study):
    frame = tables.table_3(study).frame
    for protocol in tables.BY_ENTROPY:
        there = set(frame.method[frame.protocol == protocol])
        assert there == {tables.LBP, tables.PHOG, tables.FUSION}
    named = tables.predictions(study)
    usual, papers_own = (named[tables.FUSION, p] for p in (tables.BY_ENTROPY[0], tables.RANDOM))
    assert (usual != papers_own).any()


# ---------------------------------------------------------------- scores


def test_scores_are_scikit_learns(study):
    named = np.random.default_rng(0).integers(0, 7, (1, len(study.truth)))
    ours = tables.scores(study, named).set_index(["emotion", "metric"]).measured
    true, said = study.truth, named[0]
    for c, emotion in enumerate(tables.EMOTIONS):
        recall = recall_score(true, said, labels=[c], average=None)[0]
        precision = precision_score(true, said, labels=[c], average=None)[0]
        assert ours[emotion, "accuracy"] == pytest.approx(recall)
        assert ours[emotion, "precision"] == pytest.approx(precision)
    average = ours[tables.AVERAGE]
    assert average["accuracy"] == pytest.approx(recall_score(true, said, average="macro"))
    assert average["share of rows right"] == pytest.approx(accuracy_score(true, said))
    assert average["macro-F1"] == pytest.approx(f1_score(true, said, average="macro"))


def test_perfect_and_constant_answers(study):
    perfect = tables.scores(study, np.tile(study.truth, (2, 1)))
    assert (perfect.measured == 1).all() and (perfect.low == 1).all()
    constant = tables.scores(study, np.full((2, len(study.truth)), 3)).set_index(
        ["emotion", "metric"]
    )
    assert constant.measured[tables.AVERAGE, "accuracy"] == pytest.approx(1 / 7)
    assert (
        constant.measured["Angry", "accuracy"] == 0 and constant.measured["Happy", "accuracy"] == 1
    )


def test_the_majority_names_the_most_frequent_training_class(study):
    run = study.plan["majority, random"]
    named = training.run(**run)["named"]["validation"][0, 0, 0]  # (N,)
    for cut in training.folds_of(study.table, "random", run["folds"], 0):
        most = np.bincount(study.truth[cut.train]).argmax()
        assert (named[cut.test] == most).all()


# ---------------------------------------------------------------- Table 2 and the claims


def test_table_2_has_the_fifteen_printed_angles_and_others_when_centred(study):
    table = tables.table_2(study).frame
    printed = papers.published("wang-t2").value.to_numpy()
    ours = table[table.protocol == "as printed"].measured.to_numpy()
    assert (np.floor(10 * ours + 1e-9) / 10 == printed).all()
    centred = table[table.protocol == "centred on 0.5"].measured.to_numpy()
    assert (np.abs(centred - ours) > 1).all()


def made(study, best: str) -> dict:
    """Predictions in which `best` is always right and everybody else names one class."""
    wrong, right = np.full((1, len(study.truth)), 3), study.truth[None]
    methods = (
        tables.BASELINE,
        tables.LBP,
        tables.PHOG,
        tables.CNN_LBP,
        tables.CNN_PHOG,
        tables.FUSION,
    )
    protocols = (*tables.OURS, *tables.BY_ENTROPY)
    return {(m, p): right if m == best else wrong for m in methods for p in protocols}


def test_a_method_is_compared_with_the_svm_on_the_same_rows(study):
    from emolib.reproduction.studies.sfew.tables import one_protocol

    better = one_protocol(answered(study, made(study, tables.FUSION))).frame
    worse = one_protocol(answered(study, made(study, tables.BASELINE))).frame
    above = better.metric == "mean recall above the SVM"
    row = better[above & (better.method == tables.FUSION)]
    assert (row.low > 0).all() and row.measured.iloc[0] == pytest.approx(6 / 7)
    assert (worse[worse.metric == "mean recall above the SVM"].high < 0).all()


def test_what_the_split_and_the_loss_change_is_measured_on_the_same_rows(study):
    named = made(study, tables.FUSION)
    right, wrong = named[tables.FUSION, tables.RANDOM], named[tables.LBP, tables.RANDOM]
    named[tables.BASELINE, tables.RANDOM] = right  # grouped it names one class
    named[tables.FUSION, tables.GROUPED] = wrong  # with cross-entropy it is right
    frame = tables.one_protocol(answered(study, named)).frame
    lost = frame[frame.metric == "mean recall lost by grouping films"].set_index("method").measured
    assert lost[tables.BASELINE] == lost[tables.FUSION] == pytest.approx(6 / 7)
    assert lost[tables.LBP] == 0
    gains = frame[frame.metric == "mean recall that cross-entropy gains"]
    gains = gains.set_index(["method", "protocol"]).measured
    assert gains[tables.FUSION, "nested, movie-grouped, cross-entropy"] == pytest.approx(6 / 7)
    assert gains[tables.FUSION, "nested, random, cross-entropy"] == 0
    assert frame.groupby("metric").size().tolist() == [10, 6, 6]


def test_every_claim_of_the_notebook_has_its_rule_or_is_a_matter_of_print():
    known = papers.claims()
    measured = known[(known.notebook == "20") & (known.needs != "print")]
    assert set(claims.claim.rules) == set(measured.id)


def test_on_the_simulated_table_what_needs_sfew_says_so(study):
    verdicts = {verdict.claim: verdict for verdict in claims.judge(study)}
    needs = papers.claims().set_index("id").needs
    for name, verdict in verdicts.items():
        if needs[name] == "sfew":
            assert verdict.outcome == NEEDS_REAL and "sfew" in verdict.because
    assert verdicts["wang-b1"].outcome == REPLICATED and verdicts["wang-b1"].source == "counted"
