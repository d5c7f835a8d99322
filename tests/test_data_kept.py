"""Kept image sets: the same content the second time, made anew when the file or what it was made from changed."""

import numpy as np
import pytest

from emolib import data
from emolib.data.kept import pictures as kept
from emolib.data.sim import worlds
from emolib.ground import settings


def world(calls):
    calls.append(1)
    return worlds.make("vggface", "smoke")


def stored():
    return sorted((settings.cache() / "sets").glob("*"))


def test_a_set_is_made_once_and_comes_back_as_it_was():
    calls = []
    first, second = (kept("vggface", ("a", 1), lambda: world(calls)) for _ in range(2))
    assert len(calls) == 1 and len(stored()) == 1
    assert (
        second.fingerprint == first.fingerprint
        and second.classes == first.classes
        and second.name == first.name
    )
    np.testing.assert_array_equal(second.images, first.images)
    assert list(second.meta["image"]) == list(first.meta["image"])
    kept("vggface", ("a", 2), lambda: world(calls))
    assert len(calls) == 2 and len(stored()) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[: len(raw) // 2],
        lambda raw: b"",
        lambda raw: raw.replace(raw[5000:5008], b"\0\1\2\3\4\5\6\7"),
    ],
)
def test_a_damaged_file_is_made_anew(damage):
    calls = []
    first = kept("vggface", "k", lambda: world(calls))
    (path,) = stored()
    path.write_bytes(damage(path.read_bytes()))
    assert (
        kept("vggface", "k", lambda: world(calls)).fingerprint == first.fingerprint
        and len(calls) == 2
    )
    assert (
        kept("vggface", "k", lambda: world(calls)).fingerprint == first.fingerprint
        and len(calls) == 2
    )


def test_loads_of_simulated_pictures_are_kept_and_resolve_to_themselves():
    first = data.load("vggface", source="simulated", profile="smoke", seed=3)
    assert (
        len(stored()) == 1 and first.fingerprint == worlds.make("vggface", "smoke", 3).fingerprint
    )
    assert (
        data.load("vggface", source="simulated", profile="smoke", seed=3).fingerprint
        == first.fingerprint
        and len(stored()) == 1
    )
    data.resolve.cache_clear()
    assert data.resolve(data.reference(first)).fingerprint == first.fingerprint
    assert (
        data.load("vggface", source="simulated", profile="smoke", seed=4).fingerprint
        != first.fingerprint
        and len(stored()) == 2
    )
