"""Ways to fuse two modalities, trained side by side on the same clips, folds and first weights (notebook 44; chang2021, chapter 5).

A *job* is what a stack trains on: which rows of a bank each clip takes its face and its sound from (a dial of the world may have
exchanged them), what it is called, and who trains, decides and is tested. A *method* is how: Table METHODS.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from emolib import training
from emolib.ground import settings
from emolib.ground.errors import nearest
from emolib.models.mrpn import design
from emolib.models.mrpn_stack import Stack, Ways
from emolib.reproduction.studies.mrpn.mrpn_features import MIRROR, Bank

FACE, SOUND, JOINT = 0, 1, 2  # scores of a stack, in this order
ALONE, LATE = "alone", "N0, late"
HIDDEN_SHARE = 0.25  # of clips whose one modality is hidden, by modality dropout
ALPHA = 0.5  # of on-the-fly gradient modulation (Peng et al. 2022, Eq. 10)


@dataclass(frozen=True)
class Method:
    """How a network is trained. terms: weights of the losses of face, sound and both (Eq. 28)."""

    design: str = "N1"  # plain networks carry side scores: where their weight is 0 they only watch
    terms: tuple[float, float, float] = (1.0, 1.0, 1.0)
    watch: bool = False  # side scores are trained, but send no gradient into the branches
    modulate: bool = False  # on-the-fly gradient modulation
    dropout: bool = False  # modality dropout
    blend: bool = False  # gradient blending: terms estimated from how each modality overfits


METHODS = {
    ALONE: Method(terms=(1.0, 1.0, 0.0)),
    "N0": Method(watch=True),
    "N1": Method(),
    "N2": Method("N2"),
    "N1 + equal block": Method("N1 + equal block"),
    "N2, side scores before the block": Method("N2, side scores before the block"),
    "N2, ReLU in the block": Method("N2, ReLU in the block"),
    "gradient modulation": Method(watch=True, modulate=True),
    "modality dropout": Method(watch=True, dropout=True),
    "gradient blending": Method(blend=True),
}
ORDER = ("face alone", "sound alone", LATE, *[m for m in METHODS if m != ALONE])


@dataclass(frozen=True)
class Option:
    """How clips are presented in training: one of the options of Table 5.4 (choices.csv, chang2021-c16, chang2021-c61).

    slicing  a random place in time (T) or always the same (NT);   per_clip  one random change of the picture for a clip (VA), not for each frame (IA)
    overlap  seconds of sound overlap by half (AO), or not (WO)
    """

    slicing: bool
    per_clip: bool
    overlap: bool


OPTIONS = {
    "IA": Option(False, False, False),
    "VA+WO": Option(True, True, False),
    "VA+AO": Option(True, True, True),
}


@dataclass(frozen=True)
class Job:
    """What one member trains on: rows (n,) of the bank for face and sound, labels (n,) as training is told them and as they are.

    face, sound, told, truth   int (n,);   train, validation, test   indices into those;   seed   of first weights and order
    """

    face: np.ndarray
    sound: np.ndarray
    told: np.ndarray
    truth: np.ndarray
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    seed: int


def fit(
    bank: Bank,
    jobs: list[Job],
    methods: list[str],
    *,
    option: str,
    hidden: int,
    aggregator: str,
    epochs: int,
    rate: float,
    batch: int,
    late: bool = False,
) -> dict[str, dict]:
    """Train every method on every job; methods of one design are one stack. Returns method -> Result (see `_Watch.result`), 'alone' and late fusion too."""
    unknown = [m for m in methods if m not in METHODS]
    if unknown:
        raise nearest(unknown[0], METHODS, what="way to fuse")
    how, out = (
        {
            "option": option,
            "hidden": hidden,
            "aggregator": aggregator,
            "epochs": epochs,
            "rate": rate,
            "batch": batch,
        },
        {},
    )
    plain = [m for m in methods if not METHODS[m].blend]
    for name in dict.fromkeys(METHODS[m].design for m in plain):
        group = [m for m in plain if METHODS[m].design == name]
        out |= _together(
            bank,
            jobs,
            group,
            name,
            [METHODS[m].terms for m in group for _ in jobs],
            late=late and ALONE in group,
            **how,
        )
    for m in methods:
        if METHODS[m].blend:
            out |= _together(
                bank,
                jobs,
                [m],
                METHODS[m].design,
                blended(out[ALONE], out["N0"]),
                late=False,
                **how,
            )
    return out


def _together(
    bank, jobs, methods, name, terms, *, option, hidden, aggregator, epochs, rate, batch, late
) -> dict:
    """One stack: every method of `methods` on every job, methods first."""
    feed = Feed(bank, jobs, OPTIONS[option], batch, len(methods))
    classes = int(bank.label.max()) + 1
    net = Stack(
        [j.seed for j in feed.jobs],
        (bank.face.shape[-1], bank.sound.shape[-1]),
        classes,
        design(name),
        hidden=hidden,
        aggregator=aggregator,
    ).to(feed.device)
    flags = {
        k: torch.tensor([getattr(METHODS[m], k) for m in methods for _ in jobs], device=feed.device)
        .float()
        .view(-1, 1, 1)
        for k in ("watch", "modulate", "dropout")
    }
    watch = _Watch(net, feed, torch.tensor(terms, device=feed.device), flags)
    how = training.Settings(epochs, rate, "adamw", weight_decay=0.01)
    training.fit(net, feed.batches, watch.loss, how, validate=watch, label=name, progress=False)
    watch.remember()
    out = {
        m: watch.result(range(k * len(jobs), (k + 1) * len(jobs))) for k, m in enumerate(methods)
    }
    if late:
        out[LATE] = _late(
            bank, jobs, net, watch, methods.index(ALONE), option, hidden, aggregator, how, batch
        )
    return out


def _late(bank, jobs, net, watch, at, option, hidden, aggregator, how, batch) -> dict:
    """Late fusion: each modality's branch as it was at its own best epoch, at rest; the fusion component learns on top."""
    mine = slice(at * len(jobs), (at + 1) * len(jobs))
    feed = Feed(bank, jobs, OPTIONS[option], batch)
    second = Stack(
        [j.seed for j in jobs],
        (bank.face.shape[-1], bank.sound.shape[-1]),
        int(bank.label.max()) + 1,
        net.head.how,
        hidden=hidden,
        aggregator=aggregator,
    ).to(feed.device)
    second.load_state_dict(
        {k: v for k, v in second.state_dict().items()} | {k: v[mine] for k, v in watch.best.items()}
    )
    none = {
        k: torch.zeros(len(jobs), 1, 1, device=feed.device)
        for k in ("watch", "modulate", "dropout")
    }
    late = _Watch(
        second.frozen(), feed, torch.tensor([[0.0, 0.0, 1.0]] * len(jobs), device=feed.device), none
    )
    training.fit(second, feed.batches, late.loss, how, validate=late, label=LATE, progress=False)
    late.remember()
    return late.result(range(len(jobs)))


def blended(alone: dict, joint: dict) -> list[list[float]]:
    """Terms of gradient blending (Wang et al. 2020, Eq. 4): of face, sound and both, the gain of the validation loss over the square of the
    overfitting, both from the first to the last epoch; three in sum."""
    told = [
        np.stack([r[k][..., m] for r, m in ((alone, FACE), (alone, SOUND), (joint, JOINT))], -1)
        for k in ("validation", "loss")
    ]  # (E, J, 3) each
    gain = (told[0][0] - told[0][-1]).clip(min=1e-3)
    worse = ((told[0][-1] - told[1][-1]) - (told[0][0] - told[1][0])).clip(min=0.05)
    weight = gain / worse**2
    return (3 * weight / weight.sum(-1, keepdims=True)).tolist()


# ---------------------------------------------------------------- what goes in


class Feed:
    """Batches of all members: features (M, B, T, F) of faces and of sound, and labels (M, B). Jobs with one seed and one split are shuffled alike.

    The members are the `distinct` jobs, `times` over: one method after another. What goes in is made once for all methods.
    """

    def __init__(self, bank: Bank, distinct: list[Job], option: Option, batch: int, times: int = 1):
        self.times, self.option, self.batch, self.device = times, option, batch, settings.device()
        self.jobs = jobs = distinct * times
        put = lambda v, kind=None: torch.as_tensor(np.asarray(v), dtype=kind, device=self.device)  # noqa: E731
        self.face, self.sound = put(bank.face), put(bank.sound)
        self.rows = [
            put(np.stack([getattr(j, k) for j in jobs]), torch.int64) for k in ("face", "sound")
        ]  # (M, n) each
        self.told, self.truth = (
            put(np.stack([getattr(j, k) for j in jobs]), torch.int64) for k in ("told", "truth")
        )
        self.frames = np.arange(
            0, bank.face.shape[1], 2
        )  # of a film without slicing; the others are for slicing
        length, step = bank.sound.shape[1], 31 // (2 if option.overlap else 1)
        self.starts = np.arange(0, length, step)
        self.slack = step

    def batches(self, epoch: int):
        """Each member's clips in an order of its seed and split; as many as its smallest training part has."""
        least = min(len(j.train) for j in self.jobs)
        known: dict = {}
        order = np.stack(
            [
                known.setdefault(
                    (j.seed, j.train.tobytes()),
                    np.random.default_rng(
                        [j.seed, len(j.train), int(j.train[0]), epoch]
                    ).permutation(j.train),
                )[:least]
                for j in self.jobs
            ]
        )  # (M, least)
        rng = np.random.default_rng(epoch)
        for first in range(0, least - 1, self.batch):
            now = torch.as_tensor(order[:, first : first + self.batch], device=self.device)
            if now.shape[1] > 1:
                yield *self.clips(now, rng), self.told.gather(1, now)

    def clips(self, now: Tensor, rng: np.random.Generator | None = None) -> list[Tensor]:
        """Clips `now` (M, B) of each member: faces (M, B, T, 136) and seconds of sound (M, B, S, F); with `rng` as the option changes them.

        One draw serves the same place of every member: methods see the same changes.
        """
        distinct = len(now) // self.times  # J
        face, sound = (r[:distinct].gather(1, now[:distinct]) for r in self.rows)  # (J, B)
        count, spread = now.shape[1], np.random.default_rng(0) if rng is None else rng
        slicing = rng is not None and self.option.slicing
        at = self.frames + (
            spread.integers(0, 2, (count, len(self.frames)))
            if slicing
            else np.zeros((count, len(self.frames)), int)
        )
        x = self.face[face[..., None], torch.as_tensor(at, device=self.device)]  # (J, B, T, 136)
        if rng is not None:
            x = self._changed(x, rng)
        most = self.sound.shape[1] - 1
        shift = (
            spread.integers(-(self.slack // 2), self.slack // 2 + 1, (count, 1))
            if slicing
            else np.zeros((count, 1), int)
        )
        begin = torch.as_tensor(np.clip(self.starts + shift, 0, most), device=self.device)  # (B, S)
        return [
            v.repeat(self.times, 1, 1, 1) for v in (x, self.sound[sound[..., None], begin])
        ]  # (M, B, T or S, F)

    def _changed(self, x: Tensor, rng: np.random.Generator) -> Tensor:
        """Image augmentation on points: mirrored, turned, stretched; one draw for a clip or for each frame."""
        shape = (x.shape[1], 1 if self.option.per_clip else x.shape[2])
        put = lambda v: torch.as_tensor(v, dtype=x.dtype, device=x.device)  # noqa: E731
        turned = torch.as_tensor(rng.random(shape) < 0.5, device=x.device)  # (B, T or 1)
        angle, wide, high = (
            rng.normal(0, 0.05, shape),
            np.exp(rng.normal(0, 0.05, shape)),
            np.exp(rng.normal(0, 0.05, shape)),
        )
        across, up = x.unflatten(-1, (-1, 2)).movedim(-1, 0)  # (J, B, T, 68) each
        at = turned.expand(-1, x.shape[2]).nonzero(as_tuple=True)
        across, up = across.contiguous(), up.contiguous()
        across[:, *at], up[:, *at] = -across[:, *at][..., MIRROR], up[:, *at][..., MIRROR]
        one, two, three, four = (
            put(v)[..., None]
            for v in (
                wide * np.cos(angle),
                high * np.sin(angle),
                wide * np.sin(angle),
                high * np.cos(angle),
            )
        )
        return torch.stack([across * one - up * two, across * three + up * four], -1).flatten(-2)


# ---------------------------------------------------------------- what is watched


class _Watch:
    """The loss of a stack and, after every epoch, what its members say: best epoch of each score by validation, and by the test itself."""

    def __init__(self, net: Stack, feed: Feed, terms: Tensor, flags: dict[str, Tensor]):
        self.net, self.feed, self.terms, self.flags = net, feed, terms, flags
        self.loss_sum, self.steps, self.history = (
            0.0,
            0,
            {"loss": [], "validation": [], "gradient": []},
        )
        self.gradient = torch.zeros(len(feed.jobs), 2, device=feed.device)
        self.rng = np.random.default_rng(7)
        self.kept: dict = {}
        self.best = {
            k: v.clone()
            for k, v in net.state_dict().items()
            if k.startswith(("branches", "head.norms", "head.sides"))
        }
        for m, branch in enumerate(net.branches):
            if branch.dense.weight.requires_grad:
                branch.dense.weight.register_hook(partial(self._arrived, m))
        self.parts = {
            k: _padded([getattr(j, k) for j in feed.jobs], feed.device)
            for k in ("validation", "test")
        }

    def _arrived(self, m: int, gradient: Tensor) -> None:
        self.gradient[:, m] += gradient.flatten(1).norm(dim=1)

    def loss(self, net: Stack, face: Tensor, sound: Tensor, y: Tensor) -> Tensor:
        ways = (
            self._ways(face, sound, y) if any(float(f.max()) for f in self.flags.values()) else None
        )
        _, joint, sides = net([face, sound], ways)
        each = torch.stack([_entropy(s, y).mean(1) for s in (*sides, joint)], 1)  # (M, 3)
        self.loss_sum, self.steps = self.loss_sum + each.detach(), self.steps + 1
        return (each * self.terms).sum()

    def _ways(self, face: Tensor, sound: Tensor, y: Tensor) -> Ways:
        one = torch.ones_like(self.flags["watch"])
        pass_on = [one, one]
        if float(self.flags["modulate"].max()):
            with torch.no_grad():  # how sure each modality is of what is right
                _, _, sides = self.net.eval()([face, sound])
                self.net.train()
                sure = [
                    s.softmax(-1).gather(-1, y[..., None]).sum((1, 2)) for s in sides
                ]  # (M,) each
            ratio = torch.stack([sure[0] / sure[1], sure[1] / sure[0]])
            less = torch.where(
                ratio > 1, 1 - torch.tanh(ALPHA * ratio), torch.ones_like(ratio)
            ).view(2, -1, 1, 1)
            pass_on = [one + self.flags["modulate"] * (k - 1) for k in less]
        u = torch.as_tensor(self.rng.random((1, y.shape[1], 1)), dtype=one.dtype, device=one.device)
        hidden = [(u < HIDDEN_SHARE).float(), (u > 1 - HIDDEN_SHARE).float()]
        return Ways(
            pass_on, [1 - self.flags["dropout"] * h for h in hidden], 1 - self.flags["watch"]
        )

    @torch.no_grad()
    def __call__(self, net: Stack, epoch: int) -> float:
        told = {k: self.scored(at) for k, (at, _) in self.parts.items()}  # (3, M, B, C) each
        measured = {}
        for k, (at, real) in self.parts.items():
            y = (self.feed.told if k == "validation" else self.feed.truth).gather(1, at)
            right = ((told[k].argmax(-1) == y) * real).sum(-1) / real.sum(-1)  # (3, M)
            measured[k] = (
                right,
                torch.stack([(_entropy(s, y) * real).sum(-1) / real.sum(-1) for s in told[k]]),
            )
        right, entropy = measured["validation"]
        self._keep("nested", right - 1e-3 * entropy, told["test"], epoch)
        self._keep("printed", measured["test"][0], told["test"], epoch)
        self.history["loss"].append((self.loss_sum / self.steps).cpu().numpy())
        self.history["validation"].append(entropy.T.cpu().numpy())
        self.history["gradient"].append((self.gradient / self.steps).cpu().numpy())
        self.loss_sum, self.steps = 0.0, 0
        self.gradient.zero_()
        return float(right.mean())

    def scored(self, at: Tensor) -> Tensor:
        """Scores (3, M, B, C) of clips `at` (M, B), as they are: the face, the sound, both."""
        _, joint, sides = self.net(self.feed.clips(at))
        return torch.stack([*sides, joint])

    def _keep(self, how: str, better: Tensor, said: Tensor, epoch: int) -> None:
        if how not in self.kept:
            self.kept[how] = [
                better.clone(),
                said.clone(),
                torch.zeros_like(better, dtype=torch.int64),
            ]
            return
        now, scores, when = self.kept[how]
        won = better > now  # (3, M)
        now[won], when[won] = better[won], epoch
        scores[won] = said[won]
        if how == "nested":  # what late fusion starts from: each modality at its best
            state = self.net.state_dict()
            for k, v in self.best.items():
                m = int(k.split(".")[1] if k.startswith("branches") else k.split(".")[2])
                v[won[m]] = state[k][won[m]]

    @torch.no_grad()
    def remember(self) -> None:
        """Features of the tested clips after the last epoch."""
        self.features = torch.stack(
            self.net.eval()(self.feed.clips(self.parts["test"][0]))[0]
        )  # (2, M, B, H)

    def result(self, which: range) -> dict:
        """scores, scores_as_printed float32 (3, J, B, C) of the tested clips (padded with the first of them), at the epoch that the deciding actors or
        the test itself choose; best_epoch (3, J); features float16 (2, J, B, H) of face and sound after the last epoch;
        loss, validation (E, J, 3) cross-entropies; gradient (E, J, 2) norms at each branch."""
        which = list(which)
        out = {
            "scores": self.kept["nested"][1][:, which],
            "scores_as_printed": self.kept["printed"][1][:, which],
            "best_epoch": self.kept["nested"][2][:, which],
        }
        out = {k: v.cpu().numpy() for k, v in out.items()} | {
            "features": self.features[:, which].cpu().numpy().astype(np.float16)
        }
        return out | {k: np.stack(v)[:, which] for k, v in self.history.items()}


def _padded(rows: list[np.ndarray], device) -> tuple[Tensor, Tensor]:
    """Index lists of several lengths as (M, longest), the first repeated, and float (M, longest), 1 where a row is meant."""
    most = max(map(len, rows))
    at = np.stack([np.r_[r, np.full(most - len(r), r[0])] for r in rows])
    real = np.stack([np.arange(most) < len(r) for r in rows])
    return torch.as_tensor(at, device=device), torch.as_tensor(
        real, dtype=torch.float32, device=device
    )


def _entropy(scores: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy of each clip: (M, B, C), (M, B) -> (M, B)."""
    return F.cross_entropy(scores.flatten(0, 1), y.flatten(), reduction="none").view(y.shape)
