"""The four profiles: every study and every simulated world has one size each, none below the last."""

import math
from importlib import import_module
from pathlib import Path

import pytest

from emolib.data.sim import worlds
from emolib.reproduction.runs import profiles

STUDIES = "emolib.reproduction.studies"
# module of a study -> fields of its Sizes that cost, and that no larger profile has less of
COSTS = {
    "start.tables": (),
    "audit.tables": ("frames",),
    "world.figures": ("size", "pictures", "seconds"),
    "signals.plan": ("faces", "size", "models", "seconds"),
    "losses.tables": ("starts", "videos", "timed"),
    "video_networks.plan": ("repeats", "blocks", "hidden", "epochs", "videos", "worlds", "film"),
    "transformers.plan": ("net", "crop", "videos", "short_epochs"),
    "ferplus.plan": ("crop", "batch", "draws", "epochs", "test"),
    "continual.plan": ("orders", "train", "bodies", "pictures_train", "pictures_size"),
    "sfew.plan": ("seeds", "folds", "sweep_epochs", "cnn_epochs", "units", "stock_dials"),
    "adfes.plan": ("rounds", "side", "channels", "pictures", "tuned_frames", "epochs", "units"),
    "candide.plan": ("repeats", "cnn_repeats", "settings", "cnn_epochs", "side", "sequences"),
    "transfer.plan": ("seeds", "width", "vgg", "rates", "test", "frozen"),
    "video.plan": ("actors", "width", "frames", "side", "folds", "pictures"),
    "speech.plan": ("width", "each", "epochs", "overlap", "some", "speakers_each"),
    "mrpn.plan": ("real_seeds", "hidden", "epochs", "draw", "each", "world_each", "worlds"),
    "explored.plan": ("faces", "actors", "frames", "folds"),
}
OF_NESTED = {"film": "epochs", "net": "width", "vgg": "side", "frozen": "train"}
MORE_WORLDS = {("mrpn.plan", "worlds")}  # full spends on networks that learn end to end instead


def amount(sizes, name: str) -> float:
    """What stands in a field as one number: None is all there is, a tuple counts by its length."""
    value = getattr(sizes, name)
    if name in OF_NESTED:
        inner = OF_NESTED[name]
        value = value[inner] if isinstance(value, dict) else getattr(value, inner)
    if value is None:
        return math.inf
    if isinstance(value, tuple):
        return value[0] if name in ("blocks", "channels") else len(value)
    return value


def test_the_profiles_stand_in_rising_order():
    known = list(profiles.PROFILES.values())
    assert [p.name for p in known] == ["smoke", "quick", "overnight", "full"]
    for smaller, larger in zip(known, known[1:]):
        assert smaller.seeds <= larger.seeds and smaller.draws <= larger.draws


@pytest.mark.parametrize("module", COSTS)
def test_every_study_has_the_four_sizes_none_below_the_last(module):
    sizes = import_module(f"{STUDIES}.{module}").Study.SIZES
    assert list(sizes) == list(profiles.PROFILES)
    for name in COSTS[module]:
        costs = [amount(one, name) for one in sizes.values()]
        if (module, name) in MORE_WORLDS:
            costs = costs[:-1]
        assert costs == sorted(costs), f"{module}: {name} is {costs}"


def test_no_study_is_forgotten():
    folders = import_module(STUDIES).__path__
    found = {
        f"{path.parent.name}.{path.stem}"
        for folder in folders
        for path in Path(folder).glob("*/*.py")
        if "    SIZES = " in path.read_text()
    }
    assert found == set(COSTS)


def test_every_world_has_a_size_for_each_profile_that_does_not_shrink():
    assert tuple(profiles.PROFILES) == worlds.PROFILES
    for name, (_, *sizes) in worlds.WORLDS.items():
        assert len(sizes) == len(worlds.PROFILES), name
        for field in {field for size in sizes for field in size}:
            given = [size[field] for size in sizes if field in size]
            if isinstance(given[0], int):
                assert given == sorted(given), f"{name}: {field} is {given}"
            # a size that leaves a field out takes the real set's own: no smaller one may
            rest = [field in size for size in sizes]
            assert rest == sorted(rest, reverse=True) or field in ("size", "length"), (name, field)
