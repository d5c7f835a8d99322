"""Sound for the simulated videos in the wild: one person speaking on and off, as is felt just then.

Each sentence takes the cues of the emotion whose anchor (affect.ANCHORS) is nearest to the video's
true valence and arousal where it begins, as strongly as the feeling is far from neutral. Pauses,
sentences and takes do not depend on it.
"""

import numpy as np

from emolib.data.sim import affect, voice
from emolib.data.sim.streams import stream
from emolib.ground.errors import EmolibError

RATE, SENTENCE = 22_050, 3.5  # Hz, and seconds that a spoken sentence is given


def of(world, k: int) -> np.ndarray:
    """The sound of video `k` of a simulated track set: float32 (samples,) in [-1, 1] at RATE.

    Raises EmolibError for a set that was not simulated.
    """
    if world.source != "simulated":
        why = "these videos were not simulated; their sound is in their own files"
        raise EmolibError(f"{world.name}: {why}")
    row = world.meta.iloc[k]
    plan = [int(row[name]) for name in ("seed", "index", "frames", "person", "people")]
    return track(*plan, world.fps, affect.PACE[world.name])


def track(
    seed: int,
    i: int,
    frames: int,
    who: int,
    people: int,
    fps: float,
    every: float = affect.PACE["aff_wild"],
) -> np.ndarray:
    """The sound of video `i` of world `seed`: see `of`."""
    felt = affect.feeling(seed, frames, fps, i, every=every)
    rng = stream(seed, "soundtrack", i)
    speaker = voice.speakers(seed + 23, people)[who]
    names = [n for n in affect.ANCHORS if n in voice.CUES]
    anchors = np.array([affect.ANCHORS[n] for n in names])
    out = 0.0005 * stream(seed, "soundtrack", "room", i).standard_normal(int(frames / fps * RATE))
    at = rng.exponential(0.5)
    for take in range(10_000):
        begin = int(at * RATE)
        if begin >= len(out):
            break
        here = felt[min(int(at * fps), frames - 1)]
        emotion = names[int(np.argmin(((anchors - here) ** 2).sum(1)))]
        strength = float(np.clip(np.hypot(*here) / 0.6, 0.2, 1.4))
        spoken = voice.speak(
            speaker,
            int(rng.integers(2)),
            emotion,
            intensity=strength,
            seed=seed,
            take=100_000 * (i + 1) + take,
            rate=RATE,
            seconds=SENTENCE,
        )
        spoken = spoken[: len(out) - begin]
        out[begin : begin + len(spoken)] += spoken
        at += SENTENCE - 0.5 + rng.exponential(1.0)
    return out.clip(-1, 1).astype(np.float32)
