"""GPU hours of `full`, estimated by counting: nothing is measured, nothing is run.

A notebook's work is its networks' multiply-adds (models/costs.py; three forward passes a step of
training, one a look) and the kernels that it asks for, whichever takes longer. Real sets are taken
for granted, the simulated ones are smaller. Not counted: EfficientNet-Lite0 (a tenth of a ResNet50)
and ImageNet weights, which are not everywhere; networks on features at rest; and what is the CPU's:
drawing, reading, detectors, scikit-learn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import cache, partial
from importlib import import_module

import pandas as pd
import torch

from emolib.models import classifiers, vgg, video
from emolib.models.costs import mult_adds, parameters
from emolib.models.resnet18 import ResNet18

# Pictures of 224 pixels that an RTX 3090 trains on in a second, as timm measured it (its
# results/benchmark-train-amp-nhwc-pt112-cu113-rtx3090.csv). SE-ResNeXt152 is not in that list.
PICTURES = {
    "ResNet18": 3482,
    "ResNet50": 1218,
    "ResNet101": 748,
    "ResNet152": 501,
    "SeResnext50": 815,
    "SeResnext101": 479,
    "Densenet121": 914,
    "Densenet161": 399,
    "Densenet169": 753,
    "Densenet201": 563,
    "VGG-16": 546,
}
# Assumed of an H200-class card: four times these pictures (it has 5.1 times the bandwidth and 14
# times the multiply-adds), on linear layers a twelfth of its peak in bfloat16 and in TF32, and
# 8 us for PyTorch to ask for a kernel. Of a training that may stop early, a share of its epochs.
CARD, BFLOAT16, TF32, KERNEL, LASTS = 4, 40e12, 20e12, 8e-6, 0.7

# Kernels of a step of training, counted on the GPU that is not there (tests/pretend_gpu.py). They
# do not depend on widths, but on layers; of the video networks also on the steps of a window.
KERNELS = {
    "ResNet18": 221,
    "ResNet50": 532,
    "ResNet101": 1022,
    "ResNet152": 1515,
    "SeResnext50": 897,
    "SeResnext101": 1781,
    "SeResnext152": 2668,
    "Densenet121": 1716,
    "Densenet161": 2626,
    "Densenet169": 2792,
    "Densenet201": 3747,
    "VGG-16": 167,
    "transformer": 941,
    "transformer, one look": 231,
    "transformer, free running": 12_121,
    "one stream": 223,
    "two streams": 516,
}
FOUR_NETWORKS, ONE_NETWORK, A_STEP = 410, 306, 4  # of a batch in notebook 11, and of a step in time

CLIPS = {"ravdess": (1440, 12, 6), "crema_d": (7442, 9, 4)}  # clips, folds, seconds' segments
SPEAKERS = 8  # seconds of a clip of VoxCeleb
FER, LEARNT = 35_887, 28_709  # pictures of FER2013, and of its training part
BALANCED = 7 * 6500  # pictures of an epoch once every class is as large as the largest
AFF_WILD, VIDEOS = 1_200_000, 298  # frames, videos
FILM, SEGMENTS = 5_400, 8  # steps of studyforrest's film at one a second, and who takes turns
SHARE = 0.8  # of clips, videos and frames that train
SEEDS = ("seeds", "repeats", "split_seeds", "end_seeds", "real_seeds")  # fields of Sizes


@dataclass(frozen=True)
class Work:
    """What is asked of a GPU; seconds at the assumed rates, of all epochs and of those expected."""

    mult_adds: float = 0.0
    kernels: float = 0.0
    seconds: float = 0.0
    expected: float = 0.0

    def __add__(self, other: Work) -> Work:
        return Work(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def __rmul__(self, times: float) -> Work:
        return Work(*(times * getattr(self, f.name) for f in fields(self)))


def work(
    mult_adds: float, kernels: float, rate: float, *, single: float = 0.0, stops: bool = True
) -> Work:
    """Multiply-adds at `rate` a second, `single` ones more in float32; `stops`: perhaps early."""
    seconds = max(mult_adds / rate + single / TF32, kernels * KERNEL)
    return Work(mult_adds + single, kernels, seconds, seconds * (LASTS if stops else 1))


def hours(*, one_seed: bool = False) -> dict[str, Work]:
    """Notebook -> its work at `full`; `one_seed`: every network once, and one repeat of a split."""
    counted = {
        "11": ("video_networks", _eleven),
        "12": ("transformers", _twelve),
        "13": ("ferplus", _thirteen),
        "41": ("transfer", _forty_one),
        "42": ("video", _forty_two),
        "43": ("speech", _forty_three),
        "44": ("mrpn", _forty_four),
    }
    found = {}
    for number, (folder, count) in counted.items():
        study = import_module(f"emolib.reproduction.studies.{folder}.plan").Study("full")
        sizes = once(study.sizes) if one_seed else study.sizes
        found[number] = sum(count(sizes, 1 if one_seed else len(study.seeds)), Work())
    return found


def once(sizes):
    """The same sizes with one seed of everything."""
    fewer = {name: 1 for name in SEEDS if hasattr(sizes, name)}
    if hasattr(sizes, "film"):
        fewer["film"] = replace(sizes.film, seeds=1)
    return replace(sizes, **fewer)


def table(wanted: list[str]) -> str:
    """The end of `list --profile full`: a row a notebook, and their sum."""
    whole, single = hours(), hours(one_seed=True)
    rows = {number: (whole[number], single[number]) for number in whole if number in wanted}
    if not rows:
        return "GPU hours at full: none, the work is the CPU's"
    rows["all"] = tuple(sum(column, Work()) for column in zip(*rows.values(), strict=True))
    frame = pd.DataFrame(
        [
            {
                "hours": every.expected / 3600,
                "at most": every.seconds / 3600,
                "one seed": one.expected / 3600,
                "one at most": one.seconds / 3600,
                "10^15 multiply-adds": every.mult_adds / 1e15,
                "10^6 kernels": every.kernels / 1e6,
            }
            for every, one in rows.values()
        ],
        index=pd.Index(rows, name="notebook"),
    )
    every, most, one, most_of_one = (f"{x:.1f}" for x in frame.loc["all"].iloc[:4])
    head = (
        f"GPU hours at full, estimated and not measured: {every} in all, {one} for one seed, if "
        f"trainings that may stop early run {LASTS:.0%} of their epochs (assumed); {most} and "
        f"{most_of_one} at most. docs/clusters.md says how it was counted"
    )
    return f"{head}\n{frame.to_string(float_format=lambda x: f'{x:.1f}')}"


# ---------------------------------------------------------------- what a notebook asks for


@cache
def _picture(network: str) -> int:
    """Multiply-adds of a picture of 224 pixels."""
    make = partial(classifiers.build, network, classes=7)
    if network == "VGG-16":
        make = partial(vgg.Vgg16, 7)
    return mult_adds(make, (1, 3, 224, 224))


def _rate(network: str) -> float:
    """Multiply-adds a second of a network of PICTURES."""
    network = "SeResnext101" if network == "SeResnext152" else network
    return 3 * _picture(network) * PICTURES[network] * CARD


def _thirteen(s, _) -> Iterator[Work]:
    looks = 3 * LEARNT + (FER - LEARNT) / 2  # of an epoch, in forward passes
    batches = {name: [s.batch] for name in s.networks}
    batches[s.variant_of] += [8 if "8" in variant else s.batch for variant in s.variants]
    runs = s.seeds * s.epochs
    for name, sizes in batches.items():
        for batch in sizes:
            kernels = KERNELS[name] * LEARNT / batch
            how = {"rate": _rate(name), "stops": not s.one_cycle}
            yield work(runs * looks * _picture(name), runs * kernels, **how)


def _forty_one(s, _) -> Iterator[Work]:
    from emolib.reproduction.studies.transfer import plan

    cost, rate, rest = _picture("VGG-16"), _rate("VGG-16"), FER - LEARNT
    for name, (start, way) in plan.MODELS.items():
        # what is trained with care is a hundredth of a VGG-16 at 224 pixels
        if start == plan.LITE0 or way in (plan.CARE, plan.CARE_FIXED):
            continue
        if way == plan.FROZEN:  # features are made once
            yield work(s.seeds * (BALANCED + rest) * cost, 0, rate, stops=False)
            continue
        rates = s.rates if name == plan.OURS else s.tried
        epochs = (len(rates) + s.seeds - 1) * s.epochs_of(start)
        kernels = epochs * BALANCED / s.vgg.batch * KERNELS["VGG-16"]
        yield work(epochs * (3 * BALANCED + rest) * cost, kernels, rate)


def _twelve(s, seeds) -> Iterator[Work]:
    from emolib.reproduction.studies.transformers import plan

    width, forward, layers = s.net["width"], s.net["feedforward"], s.net["layers"]
    frame = 3 * layers * (12 * width**2 + 4 * width * forward)  # there and back
    kernels, windows = KERNELS["transformer"], AFF_WILD / s.length
    ways = {plan.FULL: len(plan.NETWORKS) * len(plan.training.LOSSES)}
    ways |= dict.fromkeys((plan.CAUSAL, plan.SHIFTED), len(s.ways_losses))
    for way, count in ways.items():
        epochs, steps = seeds * count * s.epochs, SHARE * windows / s.batch
        look = "transformer, free running" if way == plan.SHIFTED else "transformer, one look"
        asked = steps * kernels + (1 - SHARE) * windows / 64 * KERNELS[look]
        yield work(epochs * SHARE * AFF_WILD * frame, epochs * asked, TF32)
    frames = 2 * s.short_epochs * SHARE * AFF_WILD * s.short_videos / VIDEOS  # of Fig. 4.11
    steps = frames / s.short / s.batch
    yield work(frames * frame, steps * kernels, TF32, stops=False)
    pictures = 2 * AFF_WILD  # as they are, and magnified
    asked = pictures / 16 * KERNELS["ResNet50"] / 3
    rate = _rate("ResNet50") / 2  # in TF32, as PyTorch's convolutions are
    yield work(pictures * _picture("ResNet50"), asked, rate, stops=False)
    epochs = s.film.seeds * SEGMENTS * 3 * len(s.film.losses) * s.film.epochs
    steps = epochs * FILM * (SEGMENTS - 2) / SEGMENTS / s.film.length / s.film.batch
    yield work(0, steps * kernels * s.film.net["layers"] / layers, TF32)


def _eleven(s, _) -> Iterator[Work]:
    from emolib.reproduction.studies.video_networks import plan

    three = dict.fromkeys(plan.NETWORKS, len(plan.MAIN))
    settings = [(share, length) for share, lengths in plan.LENGTHS.items() for length in lengths]
    for share, length in settings:
        if (share, length) != plan.TABLE_4:
            yield s.seeds * _video(s, three, share, length)
            continue
        yield s.repeats * _video(s, three | {plan.FULL: len(plan.training.LOSSES)}, share, length)
        repeats = s.repeats + (len(plan.SPLITS) - 1) * s.split_seeds
        yield repeats * _video(s, {plan.FULL: len(plan.MAIN)}, share, length)
    epochs = s.film.seeds * SEGMENTS * s.film.epochs  # of the film, six segments a batch each
    yield work(0, epochs * (SEGMENTS - 2) * (FOUR_NETWORKS + A_STEP * s.film.length), BFLOAT16)


def _video(s, networks: dict[str, int], share: float, length: int) -> Work:
    """A run of `networks` (name -> members) that train together: a video is a batch or more."""
    from emolib.reproduction.studies.video_networks.plan import Study

    blocks, lstm = 0, 0
    for name, count in networks.items():
        sizes = Study("full").networks({name: ()})[name]["sizes"]
        with torch.device("meta"):
            net = video.NETWORKS[name](sizes=sizes, hidden=s.hidden)
        recurrent = parameters(net.lstm)
        lstm += count * recurrent
        blocks += count * (parameters(net) - recurrent)
    frames = s.epochs * AFF_WILD * (3 * (1 - share) + share)
    batches = s.epochs * max(VIDEOS, AFF_WILD / length / s.batch) * (1 - share)
    asked = A_STEP * length + (FOUR_NETWORKS if len(networks) > 1 else ONE_NETWORK)
    return work(frames * blocks, batches * asked, BFLOAT16, single=frames * lstm)


@cache
def _resnet(rows: int, columns: int, channels: int = 3) -> int:
    return mult_adds(partial(ResNet18, channels), (1, channels, rows, columns))


def _heard(s) -> int:
    """A second of sound: a spectrogram of 257 rows."""
    return _resnet(257, round(16_000 / s.hop_length), 1)


def _forty_two(s, _) -> Iterator[Work]:
    films = min(s.each or 8, 8) * s.actors * 8 * SHARE
    epochs = len(s.folds) * (s.epochs + s.memory_epochs)
    frames = epochs * films * s.frames + s.pictures * s.picture_epochs
    steps = epochs * films / s.batch + s.pictures * s.picture_epochs / s.picture_batch
    cost, kernels = 3 * frames * _resnet(s.side, s.side), steps * KERNELS["one stream"]
    yield work(s.seeds * cost, s.seeds * kernels, _rate("ResNet18"), stops=False)


def _forty_three(s, _) -> Iterator[Work]:
    from emolib.reproduction.studies.speech import plan

    (clips, folds, segments), rate = CLIPS["ravdess"], _rate("ResNet18")
    trainings = 2 * folds + 2 * len(s.some or range(folds)) + s.leaking
    epochs, kernels = s.seeds * trainings * s.epochs, KERNELS["one stream"]
    looks = epochs * clips * segments * (3 * SHARE + 1 - SHARE)
    yield work(looks * _heard(s), epochs * clips * SHARE / s.batch * kernels, rate)
    told = s.seeds * s.speakers_epochs * plan.PEOPLE * s.speakers_each  # clips of speakers
    looks = told * SPEAKERS * (3 * SHARE + 1 - SHARE)
    steps = told * SHARE / (2 * s.batch)
    yield work(looks * _heard(s), steps * kernels, rate, stops=False)


def _forty_four(s, _) -> Iterator[Work]:
    from emolib.reproduction.studies.mrpn import plan, training

    size = training.Size()
    for name, (clips, folds, segments) in CLIPS.items():
        looks = clips * (size.frames * _resnet(size.side, size.side) + segments * _heard(size))
        groups = plan.Study("full").groups(name)
        methods = [method for group in groups.values() for method in group]
        # late fusion looks without learning: its streams rest
        each = sum(3 * SHARE + 1 - SHARE + (method == training.ALONE) for method in methods)
        epochs = s.end_seeds * folds * s.end_epochs[name]
        steps = epochs * len(methods) * clips * SHARE / size.batch
        yield work(epochs * each * looks, steps * KERNELS["two streams"], _rate("ResNet18"))
