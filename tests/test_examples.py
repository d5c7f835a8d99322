"""An example for every public function of the methods: docs/api holds them, they run, none is missing."""

import doctest
import inspect
import re
from pathlib import Path

import pytest

from emolib import candide, continual, evm, losses, metrics, pruning
from emolib.metrics import calibration

PAGES = Path(__file__).parent.parent / "docs" / "api"
MODULES = {
    "losses": [losses],
    "evm": [evm],
    "candide": [candide],
    "continual": [continual],
    "pruning": [pruning],
    "metrics": [metrics, calibration],
}
WORKS = [page for page in sorted(PAGES.glob("*.rst")) if page.stem in MODULES]


@pytest.mark.parametrize("page", WORKS, ids=lambda page: page.stem)
def test_the_examples_of_a_page_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    failed, attempted = doctest.testfile(str(page), module_relative=False)
    assert failed == 0 and attempted > 5


def public(module) -> set[str]:
    """Functions that a module defines, or a package shows, without an underscore."""
    whole = module.__name__.count(".") == 1 and hasattr(module, "__path__")
    return {
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and not name.startswith("_")
        and (whole or value.__module__ == module.__name__)
    }


def examples(page: Path) -> dict[str, str]:
    """Function or class of a page -> the code of the examples below it."""
    parts = re.split(r"^\.\. auto(?:function|class):: (\w+)\n", page.read_text(), flags=re.M)
    code = {}
    for name, text in zip(parts[1::2], parts[2::2]):
        code[name] = "\n".join(re.findall(r"^(?:>>>|\.\.\.) (.*)", text, flags=re.M))
    return code


@pytest.mark.parametrize("name", MODULES)
def test_every_public_function_is_called_in_an_example_of_its_own(name):
    shown = examples(PAGES / f"{name}.rst")
    wanted = set().union(*(public(module) for module in MODULES[name]))
    assert wanted - set(shown) == set()
    assert [n for n in wanted if not re.search(rf"\b{n}\(", shown[n])] == []
    assert len(wanted) >= 3
