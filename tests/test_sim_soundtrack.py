"""Sound of simulated films: as long as the film, the same every time, and louder where arousal is high."""

import numpy as np
import pytest

from emolib.data.sim import affect, soundtrack, worlds
from emolib.ground.errors import EmolibError


def test_it_is_as_long_as_the_film_and_repeats():
    world = worlds.make("aff_wild", "smoke")
    wave = soundtrack.of(world, 2)
    assert (
        wave.dtype == np.float32
        and abs(len(wave) / soundtrack.RATE - world.meta.frames[2] / world.fps) < 1e-3
    )
    assert 0.02 < np.abs(wave).max() <= 1
    np.testing.assert_array_equal(wave, soundtrack.of(world, 2))
    assert not np.array_equal(wave[:40_000], soundtrack.of(world, 3)[:40_000])


def test_arousal_can_be_heard():
    level, arousal = [], []
    for i in range(12):
        wave = soundtrack.track(3, i, 900, 0, 5, 30.0)  # one person, twelve films of 30 s
        power = np.sort((wave[: len(wave) // 441 * 441].reshape(-1, 441) ** 2).mean(1))[-300:]
        level.append(10 * np.log10(power.mean()))
        arousal.append(affect.feeling(3, 900, 30.0, i)[:, 1].mean())
    assert np.corrcoef(level, arousal)[0, 1] > 0.4, np.corrcoef(level, arousal)[0, 1]


def test_real_films_have_their_own():
    from dataclasses import replace

    with pytest.raises(EmolibError, match="not simulated"):
        soundtrack.of(replace(worlds.make("aff_wild", "smoke"), source="real"), 0)
