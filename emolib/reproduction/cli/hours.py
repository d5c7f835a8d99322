"""GPU hours of `full`, estimated by counting: nothing is measured, nothing is run.

A notebook's work is its networks' multiply-adds (models/costs.py; three forward passes a step of
training, one a look) and the kernels it asks for, whichever takes longer at the assumed rates. All
epochs are counted: early stopping makes it less. Drawing, reading and scikit-learn are the CPU's.
"""

from __future__ import annotations

from functools import partial

from emolib.models import classifiers, vgg
from emolib.models.costs import mult_adds
from emolib.models.resnet18 import ResNet18

# What an H200-class card reaches in mixed precision on such networks, a twelfth of its peak, and
# what PyTorch takes to ask for one kernel.
MULT_ADDS, KERNEL = 40e12, 8e-6
CLIPS = {"ravdess": (1440, 12, 6), "crema_d": (7442, 9, 4)}  # clips, folds, seconds' segments
FER, LEARNT = 35_887, 28_709  # pictures of FER2013, and of its training part
BALANCED = 7 * 6500  # pictures of an epoch once every class is as large as the largest
AFF_WILD = 1_200_000  # frames of 298 videos
SHARE = 0.8  # of clips, videos and frames that train


def hours() -> dict[str, float]:
    """Notebook -> GPU hours at `full`."""
    counted = {"11": _eleven, "12": _twelve, "13": _thirteen, "41": _forty_one}
    counted |= {"42": _forty_two, "43": _forty_three, "44": _forty_four}
    return {number: count() / 3600 for number, count in counted.items()}


def line(wanted: list[str]) -> str:
    """One line for `list --profile full`."""
    took = {number: h for number, h in hours().items() if number in wanted}
    each = ", ".join(f"{number} {h:.1f}" for number, h in took.items())
    rates = f"{MULT_ADDS / 1e12:.0f} T multiply-adds a second, {KERNEL * 1e6:.0f} us a kernel"
    return f"GPU hours at full, estimated ({rates}): {sum(took.values()):.0f} in all ({each})"


def _sizes(folder: str):
    from importlib import import_module

    return import_module(f"emolib.reproduction.studies.{folder}.plan").Study("full").sizes


def _seconds(work: float, kernels: float = 0.0) -> float:
    return max(work / MULT_ADDS, kernels * KERNEL)


def _thirteen() -> float:
    s, total = _sizes("ferplus"), 0
    looks = 3 * LEARNT + (FER - LEARNT) / 2  # of an epoch, in forward passes
    for name in s.networks:
        make = partial(classifiers.build, name, classes=7)
        total += s.seeds * s.epochs * looks * mult_adds(make, (1, 3, s.crop, s.crop))
        if name == s.variant_of:
            one = total
    return _seconds(total + len(s.variants) * one)


def _forty_one() -> float:
    from emolib.reproduction.studies.transfer import plan

    s = _sizes("transfer")
    one = mult_adds(partial(vgg.Vgg16, 7), (1, 3, s.vgg.side, s.vgg.side))
    trainings = 0
    for name, (start, way) in plan.MODELS.items():
        if start == plan.LITE0:  # a fortieth of VGG-16
            continue
        rates = s.rates if name == plan.OURS else s.tried
        epochs = 3 * (len(rates) + s.seeds - 1) * s.vgg.epochs
        trainings += s.seeds if way == plan.FROZEN else epochs  # at rest: features are made once
    return _seconds(trainings * BALANCED * one)


def _twelve() -> float:
    from emolib.reproduction.studies.transformers import plan

    s = _sizes("transformers")
    kernels = 2 * s.net["layers"] * 60 + 400  # a step: layers, there and back, and the optimiser
    steps = s.epochs * SHARE * AFF_WILD / s.length / s.batch
    ways = len(plan.NETWORKS) * len(plan.training.LOSSES) + 2 * len(s.ways_losses)
    runs = 5 * ways
    features = 2 * AFF_WILD * mult_adds(partial(classifiers.build, "ResNet50"), (1, 3, 224, 224))
    width, forward = s.net["width"], s.net["feedforward"]
    frame = s.net["layers"] * (12 * width**2 + 4 * width * forward)
    work = runs * steps * 3 * s.length * s.batch * frame
    return _seconds(work, runs * steps * kernels) + 4 * features / MULT_ADDS  # in float32


def _eleven() -> float:
    from emolib.reproduction.studies.video_networks import plan

    s, kernels = _sizes("video_networks"), 0.0
    for share, lengths in plan.LENGTHS.items():
        for length in lengths:
            again = 1 + len(plan.SPLITS) / 4 if (share, length) == plan.TABLE_4 else 1
            kernels += s.repeats * again * _steps(s, length) * (1 - share)
    others = len(s.hands) * s.seeds + s.worlds
    return (kernels + others * _steps(s, plan.SWEEP[1]) / 4) * KERNEL


def _steps(s, length: int) -> float:
    """Kernels of a run of four networks: a video is a batch or more; the LSTM takes four a step."""
    batches = max(s.videos, AFF_WILD / length / s.batch)
    return s.epochs * batches * 4 * (4 * length + 250)


def _resnet(side: int, channels: int = 3, other: int | None = None) -> int:
    return mult_adds(partial(ResNet18, channels), (1, channels, side, other or side))


def _heard(s) -> int:
    """A second of sound: a spectrogram of 257 rows."""
    return _resnet(257, 1, round(16_000 / s.hop_length))


def _forty_two() -> float:
    s = _sizes("video")
    films = min(s.each or 8, 8) * s.actors * 8 * SHARE
    frames = len(s.folds) * films * s.frames * (s.epochs + s.memory_epochs)
    return _seconds(s.seeds * 3 * (frames + s.pictures * s.picture_epochs) * _resnet(s.side))


def _forty_three() -> float:
    s, (clips, folds, segments) = _sizes("speech"), CLIPS["ravdess"]
    runs = s.seeds * (4 * folds + s.leaking)
    return _seconds(runs * s.epochs * clips * segments * (3 * SHARE + 1 - SHARE) * _heard(s))


def _forty_four() -> float:
    from emolib.reproduction.studies.mrpn import training

    s, e, total = _sizes("mrpn"), training.Size(), 0.0
    for name, (clips, folds, segments) in CLIPS.items():
        clip = e.frames * _resnet(e.side) + segments * _heard(e)
        trainings = 7 + (2 if name == "ravdess" else 1) + len(s.aggregators) - 1
        total += folds * trainings * clips * clip
    return _seconds(s.end_seeds * e.epochs * (3 * SHARE + 1 - SHARE) * total)
