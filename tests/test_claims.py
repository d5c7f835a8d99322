"""One rule for verdicts: its truth table, each gate, and what a claim's row says."""

import itertools
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emolib import data, metrics
from emolib.ground import settings
from emolib.reproduction import papers
from emolib.reproduction.report import files as results
from emolib.reproduction.runs import claims
from emolib.reproduction.runs.claims import Claims, Standing, decide

# needs, source, gate that failed, holds -> outcome: docs/verdicts.md, row by row
TRUTH = [
    ("print", "real", "", True, "arithmetic only"),
    ("print", "simulated", "trivial", None, "arithmetic only"),
    ("counting", "simulated", "", True, "replicated"),
    ("counting", "simulated", "", False, "not replicated"),
    ("counting", "simulated", "", None, "arithmetic only"),
    ("sfew", "simulated", "", True, "needs the real set"),
    ("sfew", "simulated", "", False, "needs the real set"),
    ("sfew", "simulated", "plateau", False, "needs the real set"),
    ("sfew", "another real set", "", True, "needs the real set"),
    ("sfew", "real", "", True, "replicated"),
    ("sfew", "real", "", False, "not replicated"),
    ("sfew", "real", "", None, "not strong enough"),
    ("sfew", "real", "people", True, "not strong enough"),
    ("any", "real", "", True, "replicated"),
    ("any", "real", "trivial", False, "not strong enough"),
    ("any", "simulated", "", True, "in simulation: yes"),
    ("any", "simulated", "", False, "in simulation: no"),
    ("any", "simulated", "", None, "not strong enough"),
    ("any", "simulated", "worlds", True, "not strong enough"),
]
PASSED = dict(name="net", low=0.5, trivial=0.2, flat=True, people=20, stock=("SVM",))


@pytest.mark.parametrize("needs, source, gate, holds, outcome", TRUTH)
def test_the_truth_table(needs, source, gate, holds, outcome):
    assert decide(needs, source, gate, holds) == outcome


def test_the_truth_table_stands_in_the_documents():
    text = (Path(__file__).parent.parent / "docs" / "verdicts.md").read_text()
    words = {True: "yes", False: "no", None: "open"}
    for needs, source, gate, holds, outcome in TRUTH:
        needs = "a named set" if needs == "sfew" else needs
        line = f"| {needs} | {source} | {gate or 'all passed'} | {words[holds]} | {outcome} |"
        assert line in text, line


def test_every_combination_has_one_of_the_outcomes():
    combinations = itertools.product(
        ("print", "counting", "any", "sfew"),
        ("real", "simulated"),
        ("", "trivial"),
        (True, False, None),
    )
    assert {decide(*one) for one in combinations} == set(claims.OUTCOMES)


GATES = {
    "trivial": {"low": 0.2},
    "plateau": {"flat": False},
    "people": {"people": 5, "family": 3},
    "stock": {"stock": ()},
}


@pytest.mark.parametrize("gate", GATES)
def test_each_gate_stops_what_it_names_and_says_what_would_pass(gate):
    assert claims.failed_gate([Standing(**PASSED)]) == ("", "")
    failed, remedy = claims.failed_gate([Standing(**PASSED), Standing(**PASSED | GATES[gate])])
    assert failed == gate and remedy


def test_a_claim_about_how_much_is_learnt_may_rest_on_a_network_at_chance():
    at_chance = Standing(**PASSED | {"low": 0.1})
    assert claims.failed_gate([at_chance])[0] == "trivial"
    assert claims.failed_gate([at_chance], learnt=True) == ("", "")
    assert claims.failed_gate([replace(at_chance, flat=False)], learnt=True)[0] == "plateau"


def test_a_level_asks_for_the_size_of_the_paper_and_a_contrast_does_not():
    narrow = Standing(**PASSED | {"smaller": "a quarter as wide"})
    assert claims.failed_gate([narrow]) == ("", "")
    assert claims.failed_gate([narrow], level=True)[0] == "size"


@pytest.mark.parametrize("family", [1, 3, 10, 36])
def test_the_floor_is_that_of_flipped_signs_and_its_remedy_passes(family):
    people = 6
    p = metrics.sign_flip_p(np.ones(people), np.arange(people))
    assert claims.floor(people, 1) == pytest.approx(p)
    enough = claims.enough_people(family)
    assert claims.floor(enough, family) < claims.ALPHA <= claims.floor(enough - 1, family)


def judged(needs, holds, **options):
    """The verdict of one made-up rule; `source` of its data and `standing` among the options."""
    source = options.pop("source", "simulated")
    standing = options.pop("standing", Standing(**PASSED))
    rules = Claims("20", lambda study, name, trained: standing)
    networks = options.pop("networks", ())
    rules("wang-b4", *networks, **options)(lambda study: (holds, "1 against 2"))
    study = types.SimpleNamespace(sources=(types.SimpleNamespace(source=source),))
    return rules._verdict(study, "wang-b4", needs, "arithmetic")


def test_a_simulated_yes_asks_for_five_worlds():
    assert judged("any", True, worlds=5).outcome == "in simulation: yes"
    few = judged("any", True, worlds=4)
    assert few.outcome == "not strong enough" and few.gate == "worlds"
    assert judged("any", True, source="real").outcome == "replicated"


def test_numbers_of_a_network_that_failed_its_gate_are_not_compared():
    weak = Standing(**PASSED | {"flat": False})
    for source in ("real", "simulated"):
        verdict = judged("sfew", True, source=source, networks=("net",), standing=weak)
        assert "1 against 2" not in verdict.because and "still improves" in verdict.because
    assert verdict.people == 20 and verdict.floor == claims.floor(20)


def test_a_claim_carries_the_source_of_what_it_used_and_not_of_its_notebook():
    rules = Claims("20")
    rules("wang-b4", data=("files",))(lambda study: (True, ""))
    rules("wang-b5")(lambda study: (True, ""))
    files, films = (types.SimpleNamespace(source=s) for s in ("real", "simulated"))
    study = types.SimpleNamespace(sources=(files, films), files=files)
    assert rules._verdict(study, "wang-b4", "sfew", "").outcome == "replicated"
    assert rules._verdict(study, "wang-b5", "sfew", "").outcome == "needs the real set"


def test_another_real_set_decides_only_where_the_claim_takes_it():
    rules = Claims("14")
    rules("orgil-a6_18")(lambda study: (True, "96 %"))
    emnist, unipen = (
        types.SimpleNamespace(name=name, source="real") for name in ("emnist_letters", "unipen")
    )

    def outcome(needs, *sources):
        study = types.SimpleNamespace(sources=sources)
        return rules._verdict(study, "orgil-a6_18", needs, "")

    assert outcome("emnist_letters", emnist).outcome == "replicated"
    for needs in ("emnist_letters|unipen", "any"):
        assert outcome(needs, unipen).outcome == "replicated"
    asked = outcome("emnist_letters", unipen)
    assert (asked.outcome, asked.source) == ("needs the real set", "real")
    assert asked.because == "emnist_letters would decide; on real unipen: 96 %"


def test_without_a_rule_print_decides_or_the_set_is_named():
    assert claims.unmeasured("wang-b3", "print", "6 of 6", "20").outcome == "arithmetic only"
    named = claims.unmeasured("wang-b4", "sfew", "", "")
    assert named.outcome == "needs the real set" and "sfew" in named.because
    assert claims.unmeasured("wang-b4", "sfew", "", "20").gate == "run"


def test_what_a_claim_needs_is_known():
    known = {"print", "counting", "any"} | set(data.CATALOG)
    assert set(" ".join(papers.claims().needs).replace("|", " ").split()) <= known


def test_alternatives_are_named_as_such():
    verdict = claims.unmeasured("wang-b4", "ckplus rafd|ckplus48 jaffe", "", "")
    assert verdict.because == "ckplus and rafd or ckplus48 and jaffe would decide"


COMMITTED = [
    p for p in ("quick", "overnight", "full") if (settings.project() / "results" / p).is_dir()
]


@pytest.mark.parametrize("profile", COMMITTED)
def test_every_committed_claim_has_one_outcome_and_the_source_of_its_own(profile):
    table = results.read(settings.project() / "results" / profile / "claims.csv")
    assert set(table.id) == set(papers.claims().id)
    assert set(table.outcome) <= set(claims.OUTCOMES)
    assert set(table.source) <= {"real", "simulated", "counted", "print"}
    decided = table[table.outcome.isin([claims.REPLICATED, claims.NOT_REPLICATED])]
    assert set(decided.source) <= {"real", "counted"}
    assert (table.because != "").all() and (table.gate[table.outcome == claims.WEAK] != "").all()


@pytest.mark.parametrize("profile", COMMITTED)
def test_two_claims_that_rest_on_one_run_never_get_two_words(profile):
    """The same networks passed or failed their gates, whatever is said of them."""
    table = results.read(settings.project() / "results" / profile / "claims.csv")
    table = table[(table.rests_on != "") & ~table.gate.isin(["interval", "size", "worlds"])]
    for networks, rows in table.groupby("rests_on"):
        words = {
            ("stopped" if gate else "passed")
            for gate in rows.gate[rows.outcome != claims.NEEDS_REAL]
        }
        assert rows.source.nunique() == 1 and len(words) <= 1, f"{networks}: {list(rows.id)}"
