"""What was printed, and what was frozen before methods were compared: each number, written out.

Nothing here follows from anything: whoever changes one of these changes what is reproduced, and
has to change it here as well.
"""

import importlib
import inspect
from dataclasses import fields, is_dataclass

import pytest
import torch

from emolib.models import face_cnn

DIALS, CLIPS = "emolib.data.sim.dials:Dials.", "emolib.data.sim.clip_sets:CLIPS."
POSED, FELT = "emolib.data.sim.clip_sets:POSED.", "emolib.data.sim.affect:"
STUDY = "emolib.reproduction.studies."
VIDEO = STUDY + "video_networks."
TABLE = {
    # frozen dials of the simulated worlds
    DIALS + "fuzz_face": 0.30,
    DIALS + "fuzz_voice": 0.40,
    DIALS + "complementarity": 0.5,
    DIALS + "coupling": 0.3,
    DIALS + "mismatched": 0.0,
    DIALS + "missing_face": 0.03,
    DIALS + "missing_voice": 0.0,
    DIALS + "label_noise": 0.05,
    DIALS + "roughness": 0.3,
    DIALS + "overlap": 0.2,
    DIALS + "leak": 0.0,
    DIALS + "shift": 0.0,
    CLIPS + "fuzz_face": 0.15,
    CLIPS + "fuzz_voice": 0.28,
    CLIPS + "label_noise": 0.0,
    POSED + "fuzz_face": 0.06,
    POSED + "label_noise": 0.0,
    FELT + "SPREAD": 0.40,
    FELT + "AXES": -0.09,
    FELT + "REST": 1 / 7,
    FELT + "HOLD": 2.9,
    FELT + "PACE": {"aff_wild": 39.0, "afew_va": 2.9},
    "emolib.data.sim.sfew:sfew_table(signal)": 0.12,
    "emolib.data.sim.sfew:sfew_table(shot)": 0.75,
    "emolib.data.sim.sfew:sfew_table(movie)": 0.5,
    "emolib.data.sim.sfew:sfew_table(duplicates)": 0.3,
    # orgil2021: 2.3.1 (sound), 3.1 (widths, dropout), 3.3 (training), Tables 3 to 5
    "emolib.features.mel:mel_spectrogram(rate)": 22_050,
    "emolib.features.mel:mel_spectrogram(n_fft)": 2048,
    "emolib.features.mel:mel_spectrogram(hop_length)": 512,
    "emolib.features.mel:mel_spectrogram(bands)": 128,
    "emolib.models.video:WIDTHS": {"image": 2048, "landmarks": 140, "pose": 36, "mel": 128},
    VIDEO + "plan:Sizes.blocks": (1024, 512, 256),
    VIDEO + "plan:Sizes.hidden": 256,
    VIDEO + "plan:Sizes.dropout": 0.5,
    VIDEO + "plan:Sizes.epochs": 70,
    VIDEO + "plan:Sizes.rate": 0.01,
    VIDEO + "plan:Sizes.batch": 64,
    VIDEO + "plan:Sizes.plateau": 10,
    VIDEO + "plan:Sizes.patience": 15,
    VIDEO + "plan:Sizes.repeats": 5,
    VIDEO + "plan:Sizes.roughness": 0.3,
    VIDEO + "plan:LENGTHS": {0.1: (128, 256, 512), 0.3: (32, 64, 128, 256, 384)},
    VIDEO + "plan:PRIMARY": (
        ("Non-Inertial", "MSE"),
        ("Non-Inertial", "0.5 x MSE"),
        ("Non-Inertial", "CCC"),
    ),
    # orgil2022: 3.3.2 (clip limit and tiles of CLAHE), 4.1 and 4.3 (transformers)
    "emolib.continual:clahe(clip)": 100,
    "emolib.continual:clahe_weights(clip)": 100,
    "emolib.continual:clahe_clips(clip)": 100,
    "emolib.continual:prune_histogram(margin)": 0.3,
    "emolib.continual:clahe(tiles)": (2, 2),
    "emolib.continual:clahe_weights(tiles)": (2, 2),
    STUDY + "transformers.plan:Sizes.length": 128,
    STUDY + "transformers.plan:Sizes.batch": 8,
    STUDY + "transformers.plan:Sizes.rate": 1e-5,
    STUDY + "transformers.plan:Sizes.short_videos": 25,
    STUDY + "transformers.plan:Sizes.short_epochs": 50,
    # wang: 4.1
    STUDY + "sfew.plan:Sizes.shallow_epochs": 200,
    STUDY + "sfew.plan:Sizes.cnn_epochs": 30,
    STUDY + "sfew.plan:Sizes.sweep_rate": 1e-4,
    # yin2022: 4.5 and, of the runs, 5.1
    STUDY + "adfes.plan:Sizes.length": 10,
    STUDY + "adfes.plan:Sizes.body_batch": 128,
    STUDY + "adfes.plan:Sizes.body_epochs": 100,
    STUDY + "adfes.plan:Sizes.epochs": 100,
    STUDY + "adfes.plan:Sizes.rounds": 5,
    # chang2021: 4.2.1 (dropout), 4.2.2 (30 repeats), 4.3.1 (dropout of VGG-16), 5.3.2 (rate, plateau);
    # sizes of pictures and sound as each Sizes says
    STUDY + "candide.plan:Sizes.repeats": 30,
    STUDY + "candide.plan:Sizes.cnn_repeats": 30,
    "emolib.models.face_cnn:DROPPED": {"drop": 0.8, "keep": 0.2},
    "emolib.models.vgg:Vgg16(dropout)": 0.5,
    STUDY + "transfer.plan:Sizes.dropout": 0.5,
    STUDY + "ferplus.plan:Sizes.side": 256,
    STUDY + "ferplus.plan:Sizes.crop": 224,
    "emolib.features.mel:CHANG": {"rate": 16_000, "n_fft": 512, "hop_length": 64},
    STUDY + "speech.plan:Sizes.rate": 5e-5,
    STUDY + "speech.plan:Sizes.seconds": 1.0,
    STUDY + "video.plan:Sizes.rate": 5e-5,
    STUDY + "video.plan:Sizes.memory_rate": 5e-5,
    STUDY + "video.plan:Sizes.side": 224,
    STUDY + "mrpn.training:Size.rate": 5e-5,
    STUDY + "mrpn.training:Size.side": 224,
    STUDY + "mrpn.training:Size.plateau": 10,
    STUDY + "mrpn.features:PROTOCOLS": {
        "ravdess": "ravdess-12x2",
        "crema_d": "crema_d-9",
        "ravdess_av": "ravdess-12x2",
        "ravdess_av+scores": "ravdess-12x2",
    },
}


def value(path: str):
    """What stands at 'module:name', 'module:Class.field' or 'module:function(argument)'."""
    module, name = path.split(":")
    place = importlib.import_module(module)
    if name.endswith(")"):
        function, argument = name[:-1].split("(")
        return inspect.signature(getattr(place, function)).parameters[argument].default
    for part in name.split("."):
        if inspect.isclass(place) and is_dataclass(place):
            return {field.name: field.default for field in fields(place)}[part]
        place = getattr(place, part)
    return place


@pytest.mark.parametrize("path", TABLE, ids=lambda path: path.split(".")[-1])
def test_the_constant_is_what_was_printed_or_frozen(path):
    assert value(path) == TABLE[path]


def test_half_of_cnn_3_is_dropped():
    """Frozen; its size stands in print, its dropout does not."""
    drops = [m.p for m in face_cnn.cnn_3().modules() if isinstance(m, torch.nn.Dropout)]
    assert drops == [0.5]
