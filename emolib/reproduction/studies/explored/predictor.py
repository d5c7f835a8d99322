"""The networks behind `emolib predict`: a residual perceptron network on faces and voices, and one on voices alone where real speech is at hand.

Both are small (features made once, models/mrpn_stack.py) and are trained on every clip, so nothing here may be reported as an accuracy; what
such networks reach on actors they have not met stands in notebooks 43 and 44.
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
from emolib.reproduction.studies.speech.speech_networks import chosen

HIDDEN, EPOCHS, RATE, BATCH = 32, 30, 3e-3, 32


def learn(*, data: str, each: int | None, frames: int, seed: int, epochs: int) -> dict:
    """Train on all clips of a reference with sound, or with pictures and sound: weights by name, class names, and the source of the data."""
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
    rows = np.arange(len(bank.label))
    feed = Feed(
        bank,
        [Job(rows, rows, bank.label, bank.label, rows, rows[:1], rows[:1], seed)],
        OPTIONS["VA+AO"],
        BATCH,
    )
    net = network(int(bank.label.max()) + 1, bank.sound.shape[-1], seed).to(feed.device)

    def loss(net, face, sound, y):
        _, joint, sides = net([face, sound])
        return (
            torch.stack([F.cross_entropy(s[0], y[0]) for s in (*sides, joint)])
            * terms.to(face.device)
        ).sum()

    training.fit(
        net,
        feed.batches,
        loss,
        training.Settings(epochs, RATE, "adamw", weight_decay=0.01),
        progress=False,
    )
    return {
        "weights": {k: v.cpu().numpy() for k, v in net.state_dict().items()},
        "source": whole.source,
        "classes": [
            EMOTIONS[int(whole.label[np.flatnonzero(bank.label == k)[0]])]
            for k in range(int(bank.label.max()) + 1)
        ],
    }


def network(classes: int, rows: int, seed: int = 0) -> Stack:
    """One N2 on faces and seconds of sound, as a stack of one."""
    return Stack(
        [seed],
        (2 * features.POINTS, rows),
        classes,
        design("N2"),
        hidden=HIDDEN,
        aggregator="average",
    )


@dataclass(frozen=True)
class Predictor:
    """Trained networks. `classes` names; `sources` {'face', 'sound', 'both': 'real' or 'simulated'}: what each kind of answer was learnt from."""

    both: Stack
    sound: Stack
    classes: tuple[str, ...]
    sources: dict[str, str]

    @torch.no_grad()
    def probabilities(self, face: np.ndarray | None, sound: np.ndarray | None) -> np.ndarray:
        """(C,) from points (frames, 136) and seconds (S, F), either of them None where there is none."""
        put = lambda v: torch.as_tensor(v, dtype=torch.float32)[None, None]  # noqa: E731
        if face is None and sound is None:
            raise ValueError("probabilities: neither a face nor a sound")
        if face is not None and sound is not None:
            score = self.both([put(face), put(sound)])[1]
        else:
            net, k, x = (self.both, FACE, face) if sound is None else (self.sound, SOUND, sound)
            score = net.head.alone(k, net.branches[k](put(x)))
        return score[0, 0].softmax(-1).numpy()


def predictor(profile: str = "quick") -> Predictor:
    """The networks, from the run store or trained now (seconds at quick)."""
    study = plan.Study(profile)
    s, films = study.sizes, study.clips("ravdess")
    common = {"each": s.each, "frames": s.frames, "seed": 0, "epochs": min(EPOCHS, 3 * s.epochs)}
    speech = (
        datasets.load("ravdess", modality="a", profile=profile)
        if datasets.at_hand("ravdess")
        else None
    )
    grid = [{"data": datasets.reference(films), **common}]
    if speech is not None and speech.source == "real" and films.source != "real":
        grid.append({"data": datasets.reference(speech), **common})
    said = runs.map(learn, grid, label="predictor")
    nets = []
    for r in said:
        net = network(len(r["classes"]), r["weights"]["branches.1.norm.weight"].shape[-1])
        net.load_state_dict({k: torch.as_tensor(v) for k, v in r["weights"].items()})
        nets.append(net.eval())
    if said[0]["classes"] != said[-1]["classes"]:  # one has no clip of some class
        nets, said = nets[:1], said[:1]
    return Predictor(
        nets[0],
        nets[-1],
        tuple(said[0]["classes"]),
        {"face": said[0]["source"], "both": said[0]["source"], "sound": said[-1]["source"]},
    )
