"""A study at one profile: its sizes, data, people, plan and results, each made once and held.

class Study(runs.Study):
    SIZES = {"smoke": Sizes(...), "quick": Sizes(...), "overnight": Sizes(...), "full": Sizes()}

    @part
    def films(self):                # made at the first use, held from then on
        ...

@held
def table_3(study) -> Outcome:      # the same for a function of a study and plain arguments
    ...
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import pandas as pd

from emolib.ground.errors import nearest
from emolib.reproduction.runs import grid, profiles
from emolib.reproduction.runs.outcome import Outcome, sources_of


def held(function: Callable) -> Callable:
    """Decorator of functions of a Study: computed once for each study and the other arguments.

    Asking again returns what is held (read only) and still puts the runs behind it into the ledger,
    so that every table knows what it was made from.
    """

    @functools.wraps(function)
    def wrapped(study: Study, *arguments, **options):
        options_given = tuple(sorted(options.items()))
        name = (function.__module__, function.__qualname__, arguments, options_given)
        if name not in study.memory:
            before = len(grid.ledger())
            study.memory[name] = (function(study, *arguments, **options), grid.ledger()[before:])
        else:
            grid.remember(study.memory[name][1])
        return study.memory[name][0]

    return wrapped


def part(function: Callable) -> property:
    """Decorator of a Study's properties: `held`, without arguments."""
    return property(held(function))


class Study:
    """One notebook's questions at one profile. Subclasses add SIZES, `sources` and their own parts.

    profile   'smoke', 'quick', 'overnight' or 'full'
    knobs     other values for fields of the profile's sizes (None: its own); a misspelt name raises
    """

    SIZES: dict[str, object] = {}

    def __init__(self, profile: str = "quick", **knobs):
        shared = profiles.profile(profile)
        sizes = self.SIZES.get(profile)
        fields = [f.name for f in dataclasses.fields(sizes)] if sizes else []
        for name in knobs:
            if name not in fields:
                raise nearest(name, fields, what="knob")
        self.profile = profile
        self.draws = shared.draws  # of a bootstrap
        self.level = shared.level  # of an interval
        self.sizes = sizes
        if chosen := {name: value for name, value in knobs.items() if value is not None}:
            self.sizes = dataclasses.replace(sizes, **chosen)
        self.memory: dict = {}

    @property
    def sources(self) -> tuple:
        """The data sets behind every number of the study; none where only print is read."""
        return ()

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the repeats."""
        return ()

    def outcome(self, frame: pd.DataFrame, kind=Outcome, *, sources=None, **more) -> Outcome:
        """`frame` with what it was made from; `sources`: containers, if not the study's own."""
        about = {"seeds": self.seeds, "caps": dataclasses.asdict(self.sizes) if self.sizes else {}}
        origin = sources_of(*(self.sources if sources is None else sources))
        return kind(frame.reset_index(drop=True), self.profile, origin, **(about | more))
