"""On whom the networks that come with emolib are tried, and the cards that say so."""

from __future__ import annotations

import numpy as np
import pandas as pd

from emolib import EMOTIONS, metrics
from emolib import data as datasets
from emolib.data.sampler import prior_shift
from emolib.data.sim.clip_sets import RAVDESS
from emolib.features import detectors, portrait
from emolib.metrics.calibration import calibration_error
from emolib.models import trained
from emolib.models.trained import Trained
from emolib.reproduction import runs
from emolib.reproduction.studies.shipped import faces, speech

FACES, VOICES = EMOTIONS[:7], tuple(RAVDESS)
SIDES = (80,) * 5 + (96,) * 6  # pixels in each of eleven epochs
# Six more, slower, with pictures changed half as much: nearer to what is seen afterwards
GENTLY = {"sides": [96] * 6, "rate": 4e-4, "much": 0.5, "seed": 1}
FACE_RECIPE = {"seed": 0, "batch": 64, "rate": 1.5e-3, "weight_decay": 0.05, "average": 0.998}
VOICE_RECIPE = {"seed": 0, "batch": 32, "rate": 1.5e-3, "weight_decay": 0.05, "average": 0.99}
VOICE_RECIPE |= {"stretched": True, "epochs": 20}
# Who is left out to try the recipe on voices: print's twelve pairs are {"apart": 2}, two hours more
VOICE_TRIAL = {"apart": 4, "groups": 2}
NATURAL, FLAT = "shares of FERPlus", "all seven equally likely"


# ---------------------------------------------------------------- faces


def train_faces() -> dict:
    """The run behind faces.safetensors; FERPlus by its distribution of votes."""
    known = datasets.load("ferplus", targets="cross_entropy", profile="full")
    first = {"data": datasets.reference(known), "sides": list(SIDES), **FACE_RECIPE}
    last = first | GENTLY | {"begin": first}
    (before,) = runs.map(faces.run, [first], label="faces")
    (after,) = runs.map(faces.run, [last], label="faces, gently")
    return after | {"seconds": before["seconds"] + after["seconds"]}


def try_faces(network: Trained) -> pd.DataFrame:
    """Accuracy on people before cameras that the network has never met, a row a set, class and
    way to count: right (share), low, high, pictures, people, error of calibration.

    FERPlus's PrivateTest by the majority of votes: a picture is a person. CK+ copies have no
    neutral picture, and their contempt is left out; all seven may be named all the same. JAFFE's
    ten women are cut out where dlib finds them.
    """
    return pd.concat([_tried(network, *part) for part in _strangers()], ignore_index=True)


def _strangers():
    """(set, faces uint8 (N, 48, 48), label (N,), who (N,)) of each set that is at hand."""
    ferplus = datasets.load("ferplus", profile="full")
    rows = ferplus.split == "PrivateTest"
    yield "PrivateTest", ferplus.images[rows], ferplus.label[rows], ferplus.subject[rows]
    if datasets.at_hand("ckplus48"):
        known = datasets.load("ckplus48")
        rows = known.label < len(FACES)
        yield "CK+ copies", known.images[rows], known.label[rows], known.subject[rows]
    if datasets.at_hand("jaffe"):
        women = datasets.load("jaffe")
        frames = np.repeat(women.images[..., None], 3, -1)
        marks = detectors.make("dlib", video=False).detect(frames)
        looks = portrait.portraits(women.images[marks.found], marks.points[marks.found])
        yield "JAFFE", looks, women.label[marks.found], women.subject[marks.found]


def _tried(network: Trained, name: str, images, label, who) -> pd.DataFrame:
    logits = network.logits(trained.face_fed(images))
    shares = {NATURAL: network.prior, FLAT: np.full(len(FACES), 1 / len(FACES))}
    rows = []
    for way, prior in shares.items():
        odds = np.exp(prior_shift(logits, network.prior, prior))
        right = odds.argmax(1) == label
        error = calibration_error(odds, label)
        for emotion in ("all", *FACES):
            of = np.ones(len(label), bool) if emotion == "all" else label == FACES.index(emotion)
            if of.any():
                row = {"set": name, "counting": way, "emotion": emotion}
                rows.append(row | _measured(right[of], who[of]) | {"calibration": error})
    return pd.DataFrame(rows)


def _measured(right: np.ndarray, who: np.ndarray) -> dict:
    """Share that is right with the interval over people."""
    mean, low, high = metrics.bootstrap_ci(right.astype(float), who)
    people = len(set(who))
    return {"right": mean, "low": low, "high": high, "clips": len(right), "people": people}


# ---------------------------------------------------------------- voices


def _voices():
    return datasets.load("ravdess", modality="a", profile="full")


def train_speech() -> dict:
    """The run behind speech.safetensors: all 24 actors."""
    arguments = {"data": datasets.reference(_voices()), "unseen": [], **VOICE_RECIPE}
    return runs.map(speech.run, [arguments], label="speech")[0]


def voice_trials(clips, apart: int = 2, groups: int | None = None, **changed) -> list[dict]:
    """The recipe without one group of actors after another: results of `speech.run`.

    clips    RAVDESS's speech
    apart    actors who are left out together; print's protocol has pairs
    groups   how many groups are left out in turn; None: all, so that every actor is tried
    changed  of VOICE_RECIPE, such as stretched=False
    """
    parts = np.array(sorted(set(clips.subject)), dtype=str).reshape(-1, apart)[:groups].tolist()
    common = {"data": datasets.reference(clips), **VOICE_RECIPE, **changed}
    grid = [common | {"unseen": actors} for actors in parts]
    return runs.map(speech.run, grid, label="actors apart")


def try_speech(apart: int = 2, groups: int | None = None, **changed) -> pd.DataFrame:
    """The recipe on actors it has never met (`voice_trials`): right, low, high by emotion."""
    clips = _voices()
    done = voice_trials(clips, apart, groups, **changed)
    label = np.concatenate([one["label"] for one in done])
    odds = np.exp(np.concatenate([one["scores"] for one in done]))
    who = clips.subject[np.concatenate([one["rows"] for one in done])]
    right, error = odds.argmax(1) == label, calibration_error(odds, label)
    rows = []
    for emotion in ("all", *VOICES):
        of = np.ones(len(label), bool) if emotion == "all" else label == VOICES.index(emotion)
        row = {"set": f"RAVDESS, {len(set(who))} actors", "counting": "", "emotion": emotion}
        rows.append(row | _measured(right[of], who[of]) | {"calibration": error})
    return pd.DataFrame(rows)
