"""One rule for every claim of the five works: from a yes or no behind its gates to one word.

claim = Claims("20", standing)                         # the rules of notebook 20

@claim("wang-b4", *CNNS, trained=GROUPED)              # what it rests on
def gain(study):
    return best.low > 0, "fusion +3.1 points [..]"     # does it hold (None: left open); the numbers

What a claim needs stands in papers/claims.csv: 'print' (no measurement bears on it), 'counting'
(layers, equations, files of the papers: no person needed), 'any' (every faithful set, a simulated
one too) or the names of the data sets that can decide it: 'ckplus rafd' both together,
'emnist_letters|unipen' either. docs/verdicts.md has the table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from emolib.data.catalog import CATALOG
from emolib.ground.errors import nearest
from emolib.metrics import floor
from emolib.reproduction import papers
from emolib.reproduction.runs import grid

REPLICATED, NOT_REPLICATED = "replicated", "not replicated"
IN_SIMULATION, NOT_IN_SIMULATION = "in simulation: yes", "in simulation: no"
ARITHMETIC = "arithmetic only"
NEEDS_REAL = "needs the real set"
WEAK = "not strong enough"
OUTCOMES = (
    REPLICATED,
    NOT_REPLICATED,
    IN_SIMULATION,
    NOT_IN_SIMULATION,
    ARITHMETIC,
    NEEDS_REAL,
    WEAK,
)
PRINT, COUNTING, ANY = "print", "counting", "any"  # what a claim may need besides data sets
WORLDS = 5  # simulated worlds below which nothing is said of a simulation
ALPHA = 0.05
ANOTHER = "another real set"  # real, and not one of those that a claim names


@dataclass(frozen=True)
class Verdict:
    """What our measurement says of one claim: the second verdict.

    outcome   one of OUTCOMES
    because   the numbers in one line, or the gate that failed
    gate      the gate that failed: 'size', 'trivial', 'plateau', 'people',
              'stock', 'worlds', 'interval', or 'run' where its notebook was not run
    source    'real', 'simulated', 'counted' or 'print': of what it rests on, not of its notebook
    rests_on  the networks behind it, by the names of their standings
    people    how many independent people, films or pictures were tested
    floor     the smallest p that so many can reach, times the size of its family
    seconds   of the runs behind it
    """

    claim: str
    outcome: str
    because: str
    gate: str = ""
    source: str = ""
    rests_on: str = ""
    people: int | None = None
    floor: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Standing:
    """What one network has shown before anybody may compare it: what the gates read.

    name      of the network, with the protocol it was trained under where a table has several
    low       lower end of the interval of its score, over people
    trivial   the same score of an answer that needs no input: most frequent class, mean label
    flat      its validation curve has reached its plateau
    people    independent people (films or pictures where no person is known) that were tested
    stock     stock methods that stand in the same table ('SVM', 'ridge')
    family    how many comparisons are corrected together
    smaller   '' or in what the network is less than the paper's ('a quarter as wide')
    """

    name: str
    low: float
    trivial: float
    flat: bool
    people: int
    stock: tuple[str, ...]
    family: int = 1
    smaller: str = ""


# ---------------------------------------------------------------- the gates


def enough_people(family: int = 1) -> int:
    """The fewest people whose floor is below 0.05 in a family of so many comparisons."""
    return 2 + math.floor(math.log2(family / ALPHA))


def failed_gate(
    standings: Iterable[Standing], level: bool = False, learnt: bool = False
) -> tuple[str, str]:
    """The first gate that a network failed and what would pass it; ('', '') if all passed.

    level   the claim is about how high a printed number is, and not about which of two is higher
    learnt  the claim itself says how much is learnt: one that rests at chance has answered it
    """
    for one in standings:
        if level and one.smaller:
            return "size", f"{one.name} is {one.smaller}: a level needs the paper's size"
        if not one.low > (0.0 if learnt else one.trivial):
            return "trivial", (
                f"{one.name} is not above an answer without input by its interval "
                f"({one.low:.3f}, {one.trivial:.3f}): it has to learn before it is compared"
            )
        if not one.flat:
            return "plateau", f"{one.name} still improves: more epochs, until its curve is flat"
        best = floor(one.people, one.family)
        if best >= ALPHA:
            return "people", (
                f"{one.people} people in a family of {one.family} reach p {best:.2g} at best: "
                f"{enough_people(one.family)} are asked"
            )
        if not one.stock:
            return "stock", f"no stock method stands beside {one.name} in its table"
    return "", ""


def decide(needs: str, source: str, gate: str, holds: bool | None) -> str:
    """The outcome of a claim: the one place where it is decided.

    needs    'print', 'counting', 'any' or the names of data sets
    source   'real', 'simulated' or 'another real set': of the data that were used
    gate     the gate that failed, '' if none did
    holds    what the numbers say; None where their interval leaves it open
    """
    if needs == PRINT or (needs == COUNTING and holds is None):
        return ARITHMETIC
    if needs == COUNTING:
        return REPLICATED if holds else NOT_REPLICATED
    if needs != ANY and source != "real":
        return NEEDS_REAL
    if gate or holds is None:
        return WEAK
    if source == "real":
        return REPLICATED if holds else NOT_REPLICATED
    return IN_SIMULATION if holds else NOT_IN_SIMULATION


def in_words(row, form: str = ".3f") -> str:
    """'0.231 [0.198, 0.262]' of what has measured, low and high; the value alone without them."""
    names = ("measured", "low", "high")
    if hasattr(row, "keys"):
        value, low, high = (row[name] for name in names)
    else:  # of itertuples
        value, low, high = (getattr(row, name) for name in names)
    return f"{value:{form}}" + ("" if math.isnan(low) else f" [{low:{form}}, {high:{form}}]")


def sets_in_words(needs: str) -> str:
    """'ckplus and rafd' of 'ckplus rafd', 'emnist_letters or unipen' of alternatives."""
    return " or ".join(" and ".join(group.split()) for group in needs.split("|"))


def either(holds, fails) -> bool | None:
    """Two tests that cannot both be true as one answer: None where neither is."""
    if fails:
        return False
    return True if holds else None


# ---------------------------------------------------------------- the rules of a notebook


@dataclass(frozen=True)
class Rule:
    """A claim's own test and what it rests on."""

    claim: str
    test: Callable
    networks: tuple[str, ...]
    trained: str | None
    data: tuple[str, ...] | None
    worlds: int
    level: bool
    learnt: bool


class Claims:
    """The rules of one notebook, in the order of claims.csv when judged."""

    def __init__(self, notebook: str, standing: Callable | None = None):
        """standing(study, network, trained) -> Standing; None where no rule rests on a network."""
        self.notebook = notebook
        self.standing = standing
        self.rules: dict[str, Rule] = {}

    def __call__(
        self,
        claim: str,
        *networks: str,
        trained: str | None = None,
        data: tuple[str, ...] | None = None,
        worlds: int = 1,
        level: bool = False,
        learnt: bool = False,
    ):
        """Decorator of a test: a function of the study that returns (holds, because).

        networks, trained   given to the notebook's `standing`, which says what the gates read
        data                properties of the study that were used (default: all its sources)
        worlds              simulated worlds that the numbers are an interval over
        level               the claim is a printed level, which needs networks of the paper's size
        learnt              the claim itself says how much is learnt, chance included
        """

        def register(test):
            self.rules[claim] = Rule(claim, test, networks, trained, data, worlds, level, learnt)
            return test

        return register

    def judge(self, study, paper: str | None = None) -> list[Verdict]:
        """A verdict for every claim of this notebook (of one paper), rule or none."""
        known = papers.claims()
        if stray := sorted(set(self.rules) - set(known.id)):
            raise nearest(stray[0], known.id, what="claim")
        known = known[known.notebook == self.notebook]
        known = known[known.paper == paper] if paper else known
        return [
            self._verdict(study, row.id, row.needs, row.arithmetic) for row in known.itertuples()
        ]

    def _verdict(self, study, claim: str, needs: str, arithmetic: str) -> Verdict:
        rule = self.rules.get(claim)
        if rule is None:
            return unmeasured(claim, needs, arithmetic, "")
        before = len(grid.ledger())
        holds, because = rule.test(study)
        standings = [self.standing(study, name, rule.trained) for name in rule.networks]
        used = study.sources if rule.data is None else [getattr(study, n) for n in rule.data]
        source = _source(used, needs)
        instead = _instead(used, needs) if source == "real" else ""
        gate, remedy = failed_gate(standings, rule.level, rule.learnt)
        if not gate and source == "simulated" and needs == ANY and rule.worlds < WORLDS:
            gate, remedy = "worlds", f"{rule.worlds} simulated world: {WORLDS} are asked"
        outcome = decide(needs, ANOTHER if instead else source, gate, holds)
        if outcome == WEAK and not gate:
            gate, because = "interval", f"{because}; the interval leaves it open"
        elif gate:  # nothing of a network that failed is compared
            because = remedy
        if outcome == NEEDS_REAL:
            what = f"real {instead}" if instead else "simulated data"
            because = f"{sets_in_words(needs)} would decide; on {what}: {because}"
        behind = {run.key: run.seconds for run in grid.ledger()[before:]}
        people = min((one.people for one in standings), default=None)
        floors = [floor(one.people, one.family) for one in standings]
        return Verdict(
            claim,
            outcome,
            because,
            gate if outcome == WEAK else "",
            source,
            "; ".join(one.name for one in standings),
            people,
            max(floors, default=None),
            round(sum(behind.values()), 1),
        )


def unmeasured(claim: str, needs: str, arithmetic: str, notebook: str) -> Verdict:
    """The verdict on a claim that no rule, or no run of its notebook, has measured."""
    if needs == PRINT or (needs == COUNTING and not notebook):
        return Verdict(claim, ARITHMETIC, arithmetic, source="print")
    if notebook:
        because = f"notebook {notebook} was not run at this profile"
        return Verdict(claim, WEAK, because, gate="run", source="print")
    because = f"{sets_in_words(needs)} would decide"
    return Verdict(claim, NEEDS_REAL, because, source="print")


def _instead(used: Iterable, needs: str) -> str:
    """The name of a set that stands for the one that a claim asks for; '' where the claim takes it.

    UNIPEN's letters say nothing of a level printed on EMNIST; 'emnist_letters|unipen' takes them.
    """
    names = {getattr(container, "name", "") for container in used} & set(CATALOG)
    stands = {CATALOG[name].stands_for: name for name in names}
    asked = [set(group.split()) & set(stands) for group in needs.split("|")]
    return stands[min(asked[0])] if all(asked) else ""


def _source(used: Iterable, needs: str) -> str:
    """Of what a claim rests on: simulated as soon as one set is."""
    if needs in (PRINT, COUNTING):
        return "print" if needs == PRINT else "counted"
    simulated = any(container.source != "real" for container in used)
    return "simulated" if simulated else "real"
