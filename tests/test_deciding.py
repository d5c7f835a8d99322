"""Whose word on a claim is shown: the truth table of the rule, and what a page makes of it."""

import pandas as pd
import pytest

from emolib.ground import settings
from emolib.reproduction import papers
from emolib.reproduction.report import central, deciding, page
from emolib.reproduction.runs.claims import (
    ARITHMETIC,
    IN_SIMULATION,
    NEEDS_REAL,
    NOT_REPLICATED,
    OUTCOMES,
    REPLICATED,
    WEAK,
)

# outcome at full, overnight and quick ('': its notebook was not run there) -> whose is shown
TRUTH = [
    (REPLICATED, NOT_REPLICATED, WEAK, "full"),
    (WEAK, NOT_REPLICATED, REPLICATED, "overnight"),
    ("", NOT_REPLICATED, REPLICATED, "overnight"),
    ("", WEAK, REPLICATED, "quick"),
    (WEAK, NEEDS_REAL, IN_SIMULATION, "quick"),
    ("", WEAK, NEEDS_REAL, "overnight"),
    (NEEDS_REAL, WEAK, WEAK, "full"),
    ("", "", WEAK, "quick"),
    ("", ARITHMETIC, REPLICATED, "overnight"),
    ("", "", "", "quick"),
]
SIZES = ("full", "overnight", "quick")


@pytest.mark.parametrize("full, overnight, quick, shown", TRUTH)
def test_the_truth_table(full, overnight, quick, shown):
    rows = {}
    for name, outcome in zip(SIZES, (full, overnight, quick)):
        rows[name] = {"outcome": outcome or WEAK, "profile": name if outcome else ""}
    assert deciding.chosen(rows) == shown


def test_the_truth_table_stands_in_the_documents():
    text = (settings.project() / "docs" / "verdicts.md").read_text()
    for *outcomes, shown in TRUTH:
        words = " | ".join(outcome or "not run" for outcome in outcomes)
        assert f"| {words} | {shown} |" in text


def test_every_outcome_decides_or_leaves_open():
    assert set(deciding.DECIDED) | {WEAK, NEEDS_REAL} == set(OUTCOMES)
    assert deciding.LARGEST_FIRST == SIZES


@pytest.fixture
def committed(tmp_path, monkeypatch):
    """Result folders of a project of its own: `write(profile, {claim: outcome})` fills one."""
    monkeypatch.setattr(settings, "committed", lambda profile: tmp_path / profile)

    def write(profile, judged, numbers=None):
        claims = papers.claims()
        claims["outcome"] = [judged.get(id, "") for id in claims.id]
        claims["profile"] = ""
        claims.loc[claims.id.isin(judged), "profile"] = profile
        claims["source"], claims["because"], claims["gate"] = "real", f"as of {profile}", ""
        for name in ("rests_on", "people", "floor"):
            claims[name] = ""
        (tmp_path / profile / "tables").mkdir(parents=True)
        claims.to_csv(tmp_path / profile / "claims.csv", index=False)
        for id, text in (numbers or {}).items():
            (tmp_path / profile / "tables" / f"{id}.csv").write_text(text)
            (tmp_path / profile / "tables" / f"{id}.json").write_text('{"sources": {}}')
        return tmp_path / profile

    return write


def outcome_of(folder, profile, claim="wang-b4"):
    (row,) = (row for row in deciding.rows(folder, profile) if row["id"] == claim)
    return row["outcome"], row["profile"], row["here"], row["place"]


def test_a_larger_profile_that_decided_is_heard_on_a_smaller_page(committed):
    quick = committed("quick", {"wang-b4": WEAK})
    assert outcome_of(quick, "quick") == (WEAK, "quick", WEAK, quick)
    night = committed("overnight", {"wang-b4": NOT_REPLICATED})
    assert outcome_of(quick, "quick") == (NOT_REPLICATED, "overnight", WEAK, night)
    committed("full", {"wang-b5": REPLICATED})  # that claim's notebook was not run there
    assert outcome_of(quick, "quick")[1] == "overnight"
    assert outcome_of(quick, "")[1] == "quick"  # the folder alone


def test_a_page_of_smoke_hears_nobody(committed):
    committed("overnight", {"wang-b4": NOT_REPLICATED})
    smoke = committed("smoke", {"wang-b4": WEAK})
    assert outcome_of(smoke, "smoke") == (WEAK, "smoke", WEAK, smoke)


def test_the_readers_own_folder_stands_in_the_place_of_the_committed_one(committed, tmp_path):
    committed("quick", {"wang-b4": NOT_REPLICATED})
    own = committed("own", {"wang-b4": REPLICATED})
    table = pd.read_csv(own / "claims.csv", dtype=str, keep_default_na=False)
    table["profile"] = table.profile.replace("own", "quick")
    table.to_csv(own / "claims.csv", index=False)
    assert outcome_of(own, "quick") == (REPLICATED, "quick", REPLICATED, own)


TABLE = "method,measured,low,high,unit,metric,source\n{},{},,,fraction,accuracy,real\n"


def test_the_page_names_the_profile_and_says_its_numbers(committed, monkeypatch):
    row = {
        "claim": "wang-b4",
        "sentence": "it is {0}",
        "cells": "wang-x1 | method=a",
        "picture": "wang-f6",
        "headline": "yes",
    }
    nothing = papers.questions().iloc[:0]
    monkeypatch.setattr(papers, "central", lambda: pd.DataFrame([row]))
    monkeypatch.setattr(papers, "questions", lambda: nothing)
    quick = committed("quick", {"wang-b4": WEAK}, {"wang-x1": TABLE.format("a", "0.1")})
    committed("overnight", {"wang-b4": NOT_REPLICATED}, {"wang-x1": TABLE.format("a", "0.7")})
    (said,) = central.rows(quick, "quick")
    assert said["said"] == "it is 70.0 %"
    html = page.render(quick, "quick")
    for name in ("index.html", "wang.html", "claims.html"):
        assert "measured at overnight: <b>not replicated</b>" in html[name], name
    assert "At quick: not strong enough." in html["claims.html"]
    (alone,) = central.rows(quick)
    assert "as of quick" in alone["said"] and "70" not in alone["said"]


def test_a_sentence_may_quote_a_notebook_that_its_folder_does_not_have(committed):
    quick = committed("quick", {}, {"wang-x1": TABLE.format("a", "0.1")})
    night = committed("overnight", {})
    row = {"claim": "wang-b4", "sentence": "{0}", "cells": "wang-x1 | method=a"}
    assert central.sentence(row, night, quick) == "10.0 %"


def test_what_print_says_of_itself_is_of_no_profile():
    row = {"source": "print", "profile": "full"}
    assert deciding.at("quick", row) == ""
    assert deciding.at("quick", row | {"source": "real"}) == " at full"
    assert deciding.at("full", row | {"source": "real"}) == ""
