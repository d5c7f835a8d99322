"""Minutes of `overnight` on two processors, estimated from small pieces that were timed.

A notebook's minutes are processor seconds shared by two: a piece of work, timed on one thread at
the widths and sides of overnight, times how often the plan's sizes ask for it. Where no piece was
timed, the seconds of the runs behind quick are scaled by how much more is trained. Trainings that
may stop early are counted whole, and for reading, tables and stock methods the whole minutes of
quick are added, so the sum errs upwards. Notebooks that overnight runs at the sizes of full take
what was measured there.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from math import log, prod

import pandas as pd

from emolib.reproduction.cli import runner

PROCESSORS = 2
BUDGET = 600  # minutes of a night
ALIKE = ("01", "02", "03", "10")  # run at the sizes of full, where they were measured
AT_FULL = {"20": 383 / 60}  # minutes, measured before results/full was begun anew

# Processor seconds of pieces of work at the sizes of overnight.
VIDEO, ALONE = 0.085, 0.028  # an epoch of a video of 17 seconds: four networks; Full alone
FRAME = 0.0005  # a frame of a simulated video, drawn and measured
FILM = 0.51  # an epoch of notebook 11's networks on the film
STEP, FILM_STEP = 0.014, 0.054  # of a transformer: a batch of simulated windows, of the film's
ELEVEN, ONE = 0.0165, 0.0012  # a picture of 48 pixels through all narrow classifiers; ResNet18
LITE0, LITE0_SMALL, LOOK = 0.0192, 0.0111, 0.0042  # the same of Lite0 at 96 and 64; only looked at
VGG = 0.0021  # a picture of 48 pixels, moved, through a VGG-16 of an eighth of the width
FACES_29, FIXED_29, TAUGHT = 0.0055, 0.0018, 25_841  # a face through dlib's network; how many faces
STRANGER = 0.19  # a picture that the three frozen networks look at
FACE = 0.004  # a picture of 48 pixels through notebook 30's CNN
CNNS, WIDE = 0.0137, 0.035  # a face through notebook 40's four CNNs: a quarter as wide; in full
STREAM = 0.0020  # a frame of 64 pixels through notebook 42's ResNet-18, 16 wide
SPEECH = 2 * 1411  # all pairs, narrow, one seed of notebook 43, measured as a whole
VOICE = 790  # one training of notebook 43's recipe that converges
HELD_OUT = 3589  # pictures of each test part of FER2013


def estimates() -> dict[str, float]:
    """Notebook -> minutes at overnight; what is not counted takes what it takes at quick."""
    quick, full = runner.measured("quick"), runner.measured("full")
    minutes = {}
    for number in runner.ORDER:
        usual = quick.get((number, ""), 0.0) / 60
        if number in COUNTED:
            folder, count = COUNTED[number]
            plan = import_module(f"emolib.reproduction.studies.{folder}.plan")
            sizes = plan.Study.SIZES
            usual += count(sizes["overnight"], sizes["quick"]) / PROCESSORS / 60
        elif number in ALIKE:
            usual = full.get((number, ""), 60 * usual) / 60
        minutes[number] = AT_FULL.get(number, usual)
    return minutes


def table(wanted: list[str]) -> str:
    """The end of `list --profile overnight`: minutes by notebook, and their sum."""
    known = {number: took for number, took in estimates().items() if number in wanted}
    said = pd.Series({number: f"{took:.0f}" for number, took in known.items()}, name="minutes")
    head = (
        f"minutes at overnight on two processors, estimated and not measured: "
        f"{sum(known.values()):.0f} in all. docs/clusters.md says how"
    )
    return f"{head}\n{said.rename_axis('notebook').to_string()}"


# ---------------------------------------------------------------- what a notebook asks for


def growth(large, small, *names: str) -> float:
    """How many times as much the product of some fields is."""
    return prod(getattr(large, name) / getattr(small, name) for name in names)


def _eleven(s, _) -> float:
    settings = 7 * s.seeds + s.repeats  # eight lengths and shares, one with repeats
    alone = s.repeats + 2 * s.split_seeds + len(s.hands) * s.seeds + s.worlds - 1
    low, high = s.seconds
    length = (high - low) / log(high / low)  # the mean of log-uniform lengths
    trained = s.epochs * s.videos * length / 17 * (settings * VIDEO + alone * ALONE)
    frames = (s.worlds + len(s.hands)) * s.videos * 30 * length
    film = 8 * s.film.seeds * s.film.epochs * FILM  # of eight segments in turn
    return trained + frames * FRAME + film


def _twelve(s, _) -> float:
    from emolib.reproduction.runs.profiles import profile

    networks = (4 * 3 + 2 * len(s.ways_losses)) * profile("overnight").seeds
    steps = networks * s.epochs * 0.8 * s.videos * s.most / s.length / s.batch
    film = s.film
    networks = 8 * film.seeds * 3 * len(film.losses)
    film_steps = networks * film.epochs * 5400 * 6 / 8 / film.length / film.batch
    return steps * STEP + film_steps * FILM_STEP + s.videos * s.most * 0.005


def _thirteen(s, _) -> float:
    pictures, looks = s.seeds * s.epochs * s.draws, s.seeds * HELD_OUT * (s.epochs + 2)
    return pictures * (ELEVEN + len(s.variants) * ONE) + looks * ELEVEN / 4


def _fourteen(s, q) -> float:
    letters = 119 * growth(s, q, "train", "head_epochs") * (3 * s.bodies + 8) / (3 * q.bodies + 7)
    shown = 100 * (s.pictures_train + s.pictures_test)
    tuned = s.tuned_epochs * 100 * s.pictures_train
    return letters + 2 * shown * LOOK + tuned * LITE0


def _thirty(s, q) -> float:
    looked = 0.8 * 216 * s.tuned_frames * s.tuned_epochs * 2 * s.rounds
    walks = 25 * growth(s, q, "epochs", "features") * len(s.units) / len(q.units)
    walks *= q.stride / s.stride
    return (s.pictures * s.body_epochs + looked) * FACE * PROCESSORS + walks


def _forty(s, q) -> float:
    drawn = 4 * s.sequences * CNNS  # faces of simulated CK+, about four a sequence
    real = 1000 * (WIDE if s.copies_narrow == 1 else CNNS)
    cnns = 0.7 * (drawn + real) * s.cnn_epochs * s.cnn_repeats
    return cnns + 30 * growth(s, q, "sequences", "settings", "dense_epochs")


def _forty_one(s, _) -> float:
    whole = len(s.rates) + len(s.tried) + 2 * (s.seeds - 1)  # VGG-16 from faces, from scratch
    vgg = whole * s.vgg.epochs * s.vgg.draws * VGG
    lite0 = (len(s.tried) + s.seeds - 1) * s.lite0.epochs * s.lite0.draws * LITE0_SMALL
    people = prod(count for _, count in s.source.world) * s.source.epochs
    looked = s.frozen.train + s.frozen.validation + 2 * s.frozen.test
    learnt = 2 * len(s.care.resnet) * FACES_29 + len(s.care.fixed) * FIXED_29
    learnt += len(s.care.lite0) * LITE0
    return vgg + lite0 + people * VGG + looked * STRANGER + learnt * TAUGHT


def _forty_two(s, _) -> float:
    films = s.actors * 8 * s.each * s.frames
    frames = s.pictures * s.picture_epochs + len(s.folds) * films * s.epochs
    return frames * STREAM + 2 * films * 0.02  # drawn with and without speech


def _forty_three(s, _) -> float:
    return SPEECH * s.seeds + 2 * s.tuned_seeds * (24 // s.tuned_apart) * VOICE


def _forty_four(s, q) -> float:
    tables = 77 * growth(s, q, "seeds", "each", "epochs", "hidden")
    worlds = 115 * growth(s, q, "worlds", "world_each", "world_epochs", "world_folds")
    worlds *= (4 + 5 * len(s.levels)) / (4 + 5 * len(q.levels))
    half = 12 * s.real_seeds * (len(s.half_levels) + 1) / (len(q.half_levels) + 1) * 4 / q.half_each
    return tables + worlds + half


def _ninety(s, q) -> float:
    return 30 * growth(s, q, "actors", "frames")


COUNTED: dict[str, tuple[str, Callable]] = {
    "11": ("video_networks", _eleven),
    "12": ("transformers", _twelve),
    "13": ("ferplus", _thirteen),
    "14": ("continual", _fourteen),
    "30": ("adfes", _thirty),
    "40": ("candide", _forty),
    "41": ("transfer", _forty_one),
    "42": ("video", _forty_two),
    "43": ("speech", _forty_three),
    "44": ("mrpn", _forty_four),
    "90": ("explored", _ninety),
}
