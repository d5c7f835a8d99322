"""The networks behind `emolib predict`: a residual perceptron network on faces and voices, and one
on voices alone where real speech is at hand.

Both are small (features made once) and trained on every clip, so nothing here may be reported as an
accuracy; what such networks reach on actors they have not met stands in notebooks 43 and 44.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from emolib import EMOTIONS, training
from emolib import data as datasets
from emolib.models.mrpn import design
from emolib.models.mrpn_stack import Stack
from emolib.reproduction import runs
from emolib.reproduction.studies.mrpn import features, plan
from emolib.reproduction.studies.mrpn.features import OPTIONS, Feed, Job
from emolib.reproduction.studies.mrpn.training import FACE, METHODS, SOUND
from emolib.reproduction.studies.speech.training import chosen

EPOCHS = 30


def learn(*, data: str, each: int | None, frames: int, seed: int, epochs: int) -> dict:
    """Train on all clips of a reference with sound, or with pictures and sound.

    Returns weights by name, class names, and the source of the data.
    """
    whole = chosen(datasets.resolve(data), each)
    if whole.frames is None:
        heard = features.heard([wave() for wave in whole.waveform], whole.rate)
        bank = features.Bank(
            np.zeros((len(heard), frames, 2 * features.POINTS), np.float32),
            heard,
            features.labels(whole),
            whole.subject,
            whole.meta["image"].to_numpy(dtype=str),
            np.zeros(len(whole), int),
        )
        terms = torch.tensor([[0.0, 1.0, 0.0]])
    else:
        bank = features.Bank(**features.bank(data=data, each=each, frames=frames))
        terms = torch.tensor([METHODS["N2"].terms])
    label, rows = bank.label, np.arange(len(bank.label))
    job = Job(rows, rows, label, label, rows, rows[:1], rows[:1], seed)
    feed = Feed(bank, [job], OPTIONS["VA+AO"], 32)
    classes = int(label.max()) + 1
    net = network(classes, bank.sound.shape[-1], seed).to(feed.device)

    def loss(net, face, sound, y):
        _, joint, sides = net([face, sound])
        losses = torch.stack([F.cross_entropy(scores[0], y[0]) for scores in (*sides, joint)])
        return (losses * terms.to(face.device)).sum()

    how = training.Settings(epochs, 3e-3, "adamw", weight_decay=0.01)
    training.fit(net, feed.batches, loss, how, progress=False)
    _, first = np.unique(label, return_index=True)
    return {
        "weights": {name: value.cpu().numpy() for name, value in net.state_dict().items()},
        "source": whole.source,
        "classes": [EMOTIONS[int(emotion)] for emotion in whole.label[first]],
    }


def network(classes: int, width: int, seed: int = 0) -> Stack:
    """One N2 on faces and seconds of sound (`width` numbers each), as a stack of one."""
    inputs = (2 * features.POINTS, width)
    return Stack([seed], inputs, classes, design("N2"), hidden=32, aggregator="average")


@dataclass(frozen=True)
class Predictor:
    """Trained networks on both, and on sound alone.

    sources   {'face', 'sound', 'both': 'real' or 'simulated'}: what each answer was learnt from
    """

    both: Stack
    sound: Stack
    classes: tuple[str, ...]
    sources: dict[str, str]

    @torch.no_grad()
    def probabilities(self, face: np.ndarray | None, sound: np.ndarray | None) -> np.ndarray:
        """(C,) from points (frames, 136) and seconds (S, F), one of which may be None."""
        inputs = [
            None if x is None else torch.as_tensor(x, dtype=torch.float32)[None, None]
            for x in (face, sound)
        ]
        if face is not None and sound is not None:
            scores = self.both(inputs)[1]
        elif face is not None:
            scores = self.both.head.alone(FACE, self.both.branches[FACE](inputs[0]))
        elif sound is not None:
            scores = self.sound.head.alone(SOUND, self.sound.branches[SOUND](inputs[1]))
        else:
            raise ValueError("probabilities: neither a face nor a sound")
        return scores[0, 0].softmax(-1).numpy()


def predictor(profile: str = "quick") -> Predictor:
    """The networks, from the run store or trained now (seconds at quick)."""
    study = plan.Study(profile)
    s, films = study.sizes, study.clips("ravdess")
    sets = [films]
    if films.source != "real" and datasets.at_hand("ravdess"):
        speech = datasets.load("ravdess", modality="a", profile=profile)
        sets += [speech] if speech.source == "real" else []
    common = {"each": s.each, "frames": s.frames, "seed": 0, "epochs": min(EPOCHS, 3 * s.epochs)}
    grid = [{"data": datasets.reference(one), **common} for one in sets]
    results = runs.map(learn, grid, label="predictor")
    if results[0]["classes"] != results[-1]["classes"]:  # one has no clip of some class
        results = results[:1]
    nets = []
    for result in results:
        weights = {name: torch.as_tensor(value) for name, value in result["weights"].items()}
        net = network(len(result["classes"]), weights["branches.1.norm.weight"].shape[-1])
        net.load_state_dict(weights)
        nets.append(net.eval())
    film, voice = results[0]["source"], results[-1]["source"]
    classes = tuple(results[0]["classes"])
    return Predictor(nets[0], nets[-1], classes, {"face": film, "both": film, "sound": voice})
