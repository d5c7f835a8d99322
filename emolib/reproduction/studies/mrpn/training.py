"""Ways to fuse two modalities, trained on the same clips and first weights (chang2021, chapter 5).

Two tiers. The narrow one learns on features that rest (features.py), hundreds of networks in one
stack: `folds` and `sweep`. The printed one learns from pictures and spectrograms: `end_to_end`, two
ResNet-18 with an aggregator each and the fusion of section 5.2. The picture's extractor starts from
naming emotions of FER2013, the sound's from telling speakers apart ("made the whole system much
easier to be optimized", 5.3.2).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from emolib import data as datasets
from emolib import training
from emolib.data import splits
from emolib.ground import settings
from emolib.ground.errors import nearest
from emolib.models.mrpn import MRPN, Design, design, multi_term_loss
from emolib.models.mrpn_stack import Stack, Ways
from emolib.models.resnet_lstm import load_extractor
from emolib.reproduction import runs
from emolib.reproduction.studies.mrpn import features
from emolib.reproduction.studies.mrpn.features import OPTIONS, Bank, Feed, Job, Option, parts
from emolib.reproduction.studies.speech import training as speech
from emolib.reproduction.studies.video.training import expressions, faces, fed

FACE, SOUND, JOINT = 0, 1, 2  # scores of a network, in this order
ALONE, LATE = "alone", "N0, late"
LOGISTIC = "logistic regression"
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


@dataclass(frozen=True)
class Recipe:
    """What all networks of a stack have in common. late: 'alone' also goes on to late fusion."""

    hidden: int
    epochs: int
    rate: float
    batch: int
    option: str = "IA"
    aggregator: str = "average"
    late: bool = False
    weight_decay: float = 0.01


# ---------------------------------------------------------------- the runs on features at rest


def made(arguments: dict) -> Bank:
    """The bank behind these arguments of features.bank or, with `faces`, of features.half_real:
    from the store or computed now."""
    run = features.half_real if "faces" in arguments else features.bank
    return Bank(**runs.map(run, [arguments], jobs=1, host=True)[0])


def folds(*, clips: dict, name: str, seeds: list[int], methods: list[str], recipe: dict) -> dict:
    """Train `methods` on every fold of a set with every seed, all together.

    clips    arguments of features.bank;   name   'ravdess' or 'crema_d';   recipe   of Recipe
    Returns fold (J,), seed (J,), tested (J, B) rows of the bank, count (J,) how many of them are
    meant, and results {method: scores, scores_as_printed, features, validation as Watch.result has
    them}.
    """
    bank = made(clips)
    rows, jobs, names = np.arange(len(bank.label)), [], []
    for seed in seeds:
        for split in parts(name, bank.subject):
            whom = (split.train, split.validation, split.test)
            jobs.append(Job(rows, rows, bank.label, bank.label, *whom, seed))
            names.append(split.name)
    results = fit(bank, jobs, methods, Recipe(**recipe))
    tested, real = padded([j.test for j in jobs], "cpu")
    kept = {}
    for method, result in results.items():
        fields = ("scores", "scores_as_printed", "features", "validation")
        kept[method] = {field: result[field] for field in fields}
    return {
        "fold": names,
        "seed": [j.seed for j in jobs],
        "tested": tested.numpy(),
        "count": real.sum(1).numpy().astype(int),
        "results": kept,
    }


def sweep(
    *, clips: dict, seed: int, turned: list, folds: int, methods: list[str], recipe: dict
) -> dict:
    """Train every method in one world, once for each setting [dial, level] and fold of actors.

    What is learnt from is a film's mean face and mean sound; clips as `made` takes them. In a
    half-real world `dial` is one of features.BROKEN, and a stock method answers too.
    Returns truth, person (S, K, B) and named {way: int (S, K, B)} at the epoch that other actors
    choose.
    """
    bank, half_real = made(clips), "faces" in clips
    mean = {k: getattr(bank, k).mean(1, keepdims=True) for k in ("face", "sound")}
    bank = replace(bank, **mean)
    split, wrong = features.thirds(bank, folds), features.broken if half_real else features.jobs
    jobs = [job for dial in turned for job in wrong(bank, seed, *dial, split)]
    results = fit(bank, jobs, methods, Recipe(**recipe))
    shape, least = (len(turned), folds, -1), min(len(j.test) for j in jobs)

    def named(method: str, score: int) -> np.ndarray:
        answers = results[method]["scores"][score].argmax(-1)  # (J, B)
        return answers[:, :least].reshape(shape).astype(np.int8)

    ways = {method: named(method, JOINT) for method in results if method != ALONE}
    if ALONE in results:
        ways |= {"face alone": named(ALONE, FACE), "sound alone": named(ALONE, SOUND)}
    if half_real:
        both = [np.hstack([bank.face[j.face, 0], bank.sound[j.sound, 0]]) for j in jobs]
        said = [speech.named(x, j.truth, j, speech.logistic) for x, j in zip(both, jobs)]
        ways[LOGISTIC] = np.stack([s[:least] for s in said]).reshape(shape).astype(np.int8)
    truth = np.stack([j.truth[j.test[:least]] for j in jobs]).reshape(shape)
    person = np.stack([bank.subject[j.test[:least]] for j in jobs]).reshape(shape)
    return {"truth": truth, "person": person, "named": ways}


# ---------------------------------------------------------------- stacks


def fit(bank: Bank, jobs: list[Job], methods: list[str], recipe: Recipe) -> dict[str, dict]:
    """Train every method on every job, each design as one stack: method -> Watch.result."""
    for method in methods:
        if method not in METHODS:
            raise nearest(method, METHODS, what="way to fuse")
    plain = [m for m in methods if not METHODS[m].blend]
    results: dict = {}
    for name in dict.fromkeys(METHODS[m].design for m in plain):
        group = [m for m in plain if METHODS[m].design == name]
        terms = [METHODS[m].terms for m in group for _ in jobs]
        results |= together(bank, jobs, group, terms, recipe)
    for method in methods:
        if METHODS[method].blend:
            terms = blended(results[ALONE], results["N0"])
            results |= together(bank, jobs, [method], terms, recipe)
    return results


def together(bank, jobs, methods, terms, recipe: Recipe) -> dict[str, dict]:
    """One stack: every method on every job, methods first; late fusion goes on from 'alone'."""
    feed = Feed(bank, jobs, OPTIONS[recipe.option], recipe.batch, len(methods))
    net = stack(bank, feed, design(METHODS[methods[0]].design), recipe)
    watch = Watch(net, feed, terms, [METHODS[m] for m in methods for _ in jobs])
    watch.train(recipe, methods[0])
    count = len(jobs)
    place = {m: slice(k * count, (k + 1) * count) for k, m in enumerate(methods)}
    results = {m: watch.result(place[m]) for m in methods}
    if recipe.late and ALONE in methods:
        # each branch rests as it was at its own best epoch; the fusion component learns on top
        feed = Feed(bank, jobs, OPTIONS[recipe.option], recipe.batch)
        second = stack(bank, feed, net.head.how, recipe)
        best = {k: v[place[ALONE]] for k, v in watch.best.items()}
        second.load_state_dict(second.state_dict() | best)
        late = Watch(second.frozen(), feed, [(0.0, 0.0, 1.0)] * count, [Method()] * count)
        late.train(recipe, LATE)
        results[LATE] = late.result(slice(count))
    return results


def stack(bank: Bank, feed: Feed, how: Design, recipe: Recipe) -> Stack:
    """A network for each job of the feed."""
    seeds, inputs = [j.seed for j in feed.jobs], (bank.face.shape[-1], bank.sound.shape[-1])
    size = {"hidden": recipe.hidden, "aggregator": recipe.aggregator}
    return Stack(seeds, inputs, bank.classes, how, **size).to(feed.device)


def blended(alone: dict, joint: dict) -> list[list[float]]:
    """Terms (J, 3) of gradient blending (Wang et al. 2020, Eq. 4), three in sum: the gain of the
    validation loss over the square of the overfitting, both from the first to the last epoch."""
    curves = ((alone, FACE), (alone, SOUND), (joint, JOINT))
    validation = np.stack([result["validation"][..., score] for result, score in curves], -1)
    loss = np.stack([result["loss"][..., score] for result, score in curves], -1)  # (E, J, 3)
    gain = (validation[0] - validation[-1]).clip(min=1e-3)
    overfit = (validation[-1] - loss[-1]) - (validation[0] - loss[0])
    weight = gain / overfit.clip(min=0.05) ** 2
    return (3 * weight / weight.sum(-1, keepdims=True)).tolist()


class Judge:
    """How good each score is after every epoch, and the tested clips' scores at the best one.

    scored   rows (M, B) -> scores (3, M, B, C) of face, sound and both
    people   {'validation' and 'test': (rows, labels, 1 where a row is meant), (M, B) each}
    by_loss  the epoch of the lowest loss, not of most clips right: where few clips decide
    Holds `validation`, cross-entropies (M, 3) of each epoch, and `kept`: scores (3, M, B, C) at the
    epoch that those who decide choose, scores_as_printed at the one that the tested clips choose.
    """

    def __init__(
        self, scored: Callable[[Tensor], Tensor], people: dict[str, tuple], by_loss: bool = False
    ):
        self.scored, self.people, self.by_loss = scored, people, by_loss
        self.validation: list[np.ndarray] = []
        self.kept, self.level = {}, {}

    def __call__(self) -> tuple[Tensor, Tensor]:
        """Accuracies (3, M) of those who decide, and whether this epoch is their best (3, M)."""
        scores, right = {}, {}
        entropy: dict[str, Tensor] = {}
        for k, (rows, y, real) in self.people.items():
            scores[k] = self.scored(rows)
            right[k] = ((scores[k].argmax(-1) == y) * real).sum(-1) / real.sum(-1)
            entropy[k] = torch.stack([(cross_entropy(s, y) * real).sum(-1) for s in scores[k]])
            entropy[k] = entropy[k] / real.sum(-1)
        self.validation.append(entropy["validation"].T.cpu().numpy())
        better = (0 if self.by_loss else right["validation"]) - 1e-3 * entropy["validation"]
        self.keep("scores_as_printed", right["test"], scores["test"])
        return right["validation"], self.keep("scores", better, scores["test"])

    def keep(self, how: str, level: Tensor, scores: Tensor) -> Tensor:
        best = self.level.setdefault(how, torch.full_like(level, -torch.inf))
        won = level > best  # (3, M), everywhere in the first epoch
        best[won] = level[won]
        self.kept.setdefault(how, scores.clone())[won] = scores[won]
        return won


class Watch:
    """The loss of a stack, and what its members say after every epoch.

    terms    weights of the three losses for each member;   methods  of each member
    `best` holds each modality's branch at its own best epoch.
    """

    def __init__(self, net: Stack, feed: Feed, terms: list, methods: list[Method]):
        self.net, self.feed = net, feed
        self.terms = torch.tensor(terms, device=feed.device)  # (M, 3)
        self.flags = {}  # (M, 1, 1) each
        for k in ("watch", "modulate", "dropout"):
            flags = torch.tensor([float(getattr(m, k)) for m in methods], device=feed.device)
            self.flags[k] = flags.view(-1, 1, 1)
        self.plain = not any(flags.any() for flags in self.flags.values())
        self.total, self.steps = 0.0, 0
        self.losses: list[np.ndarray] = []
        self.rng = np.random.default_rng(7)
        modality = ("branches", "head.norms", "head.sides")
        self.best = {k: v.clone() for k, v in net.state_dict().items() if k.startswith(modality)}
        people = {}
        for k, truth in (("validation", "told"), ("test", "truth")):
            rows, real = padded([getattr(j, k) for j in feed.jobs], feed.device)
            people[k] = (rows, feed.rows[truth].gather(1, rows), real)
        self.judge = Judge(self.scored, people, by_loss=feed.option.summed)

    def train(self, recipe: Recipe, label: str) -> None:
        decay = recipe.weight_decay
        how = training.Settings(recipe.epochs, recipe.rate, "adamw", weight_decay=decay)
        batches = self.feed.batches
        training.fit(self.net, batches, self.loss, how, validate=self, label=label, progress=False)
        with torch.no_grad():  # (2, M, B, H)
            tested = self.judge.people["test"][0]
            self.features = torch.stack(self.net.eval()(self.feed.clips(tested))[0])

    def loss(self, net: Stack, face: Tensor, sound: Tensor, y: Tensor) -> Tensor:
        ways = None if self.plain else self.ways(face, sound, y)
        _, joint, sides = net([face, sound], ways)
        each = torch.stack([cross_entropy(s, y).mean(1) for s in (*sides, joint)], 1)  # (M, 3)
        self.total, self.steps = self.total + each.detach(), self.steps + 1
        return (each * self.terms).sum()

    def ways(self, face: Tensor, sound: Tensor, y: Tensor) -> Ways:
        one = torch.ones_like(self.flags["watch"])
        pass_on = [one, one]
        if self.flags["modulate"].any():
            with torch.no_grad():  # how sure each modality is of what is right: (M,) each
                _, _, sides = self.net.eval()([face, sound])
                self.net.train()
                face_sure, sound_sure = (
                    s.softmax(-1).gather(-1, y[..., None]).sum((1, 2)) for s in sides
                )
            ratio = torch.stack([face_sure / sound_sure, sound_sure / face_sure])
            less = torch.where(ratio > 1, 1 - torch.tanh(ALPHA * ratio), torch.ones_like(ratio))
            pass_on = [one + self.flags["modulate"] * (k.view(-1, 1, 1) - 1) for k in less]
        u = torch.as_tensor(self.rng.random((1, y.shape[1], 1)), dtype=one.dtype, device=one.device)
        hidden = [(u < HIDDEN_SHARE).float(), (u > 1 - HIDDEN_SHARE).float()]
        seen = [1 - self.flags["dropout"] * h for h in hidden]
        return Ways(pass_on, seen, 1 - self.flags["watch"])

    def __call__(self, net: Stack, epoch: int) -> float:
        right, won = self.judge()
        state = net.state_dict()
        for k, v in self.best.items():
            words = k.split(".")
            score = int(words[1] if words[0] == "branches" else words[2])
            v[won[score]] = state[k][won[score]]
        self.losses.append((self.total / self.steps).cpu().numpy())
        self.total, self.steps = 0.0, 0
        return float(right.mean())

    def scored(self, rows: Tensor) -> Tensor:
        _, joint, sides = self.net(self.feed.clips(rows))
        return torch.stack([*sides, joint])

    def result(self, members: slice) -> dict[str, np.ndarray]:
        """scores, scores_as_printed (3, J, B, C) of the tested clips (see Judge), padded with the
        first of them; features float16 (2, J, B, H) after the last epoch; loss, validation
        (E, J, 3)."""
        return {
            **{k: v[:, members].cpu().numpy() for k, v in self.judge.kept.items()},
            "features": self.features[:, members].cpu().numpy().astype(np.float16),
            "loss": np.stack(self.losses)[:, members],
            "validation": np.stack(self.judge.validation)[:, members],
        }


def padded(rows: list[np.ndarray], device: str) -> tuple[Tensor, Tensor]:
    """Index lists as (M, longest), the first repeated, and float, 1 where a row is meant."""
    longest = max(map(len, rows))
    at = np.stack([np.r_[r, np.full(longest - len(r), r[0])] for r in rows])
    real = np.stack([np.arange(longest) < len(r) for r in rows])
    return torch.as_tensor(at, device=device), torch.as_tensor(real, device=device).float()


def cross_entropy(scores: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy of each clip: (M, B, C), (M, B) -> (M, B)."""
    return F.cross_entropy(scores.flatten(0, 1), y.flatten(), reduction="none").view(y.shape)


# ---------------------------------------------------------------- from pictures and spectrograms


@dataclass(frozen=True)
class Size:
    """A network of printed size: pixels, AdamW at 5e-5, halved after ten epochs without progress.

    frames   of a film that the network sees; twice as many are kept to draw from
    """

    each: int | None = None  # clips of an actor and emotion; None: all
    width: int = 64
    frames: int = 8
    side: int = 224
    hop_length: int = 64
    pool: int = 1
    epochs: int = 30
    rate: float = 5e-5
    batch: int = 16
    plateau: int = 10
    patience: int = 15


def end_to_end(
    *,
    data: str,
    name: str,
    fold: str,
    seed: int,
    method: str,
    option: str,
    aggregator: str,
    start: dict | None,
    size: dict,
) -> dict:
    """Train one way to fuse on one fold.

    method   'alone', 'N0', 'N1' or 'N2'; 'alone' goes on to late fusion: its joint score is that
    start    arguments of video.training.expressions and speech.identify ('faces',
             'sound'); None: from scratch
    Returns clips (names), scores, scores_as_printed (3, B, C) as Judge keeps them, validation (E,):
    the cross-entropy that drove the rate, of 'alone' that of its single modalities.
    """
    if method not in (ALONE, "N0", "N1", "N2"):
        raise nearest(method, (ALONE, "N0", "N1", "N2"), what="way to fuse end to end")
    device, shown, s = settings.device(), OPTIONS[option], Size(**size)
    clips = speech.chosen(datasets.resolve(data), s.each)
    split = {p.name: p for p in parts(name, clips.subject)}[fold]
    cut = {"hop_length": s.hop_length, "pool": s.pool, "seconds": 1.0}
    overlap = 0.5 if shown.overlap else 0.0
    _, sounds = speech.sounds(data, split.train, each=s.each, overlap=overlap, **cut)
    pictures = kept_pictures(data, s.each, 2 * s.frames, s.side)
    label = torch.as_tensor(features.labels(clips), device=device)
    films = Films(pictures, sounds, label, shown, split, seed, s.batch)
    with training.seeded(seed):
        how = design("N0" if method == "N0" else METHODS[method].design)
        net = MRPN(int(label.max()) + 1, how, width=s.width, aggregator_=aggregator)
    net = net.to(device, memory_format=torch.channels_last)
    if start is not None:
        tasks = {"faces": expressions, "sound": speech.identify}
        for stream, (which, task) in zip(net.streams, tasks.items(), strict=True):
            weights = runs.map(task, [start[which]], jobs=1)[0]["weights"]
            load_extractor(stream, {k: torch.as_tensor(v) for k, v in weights.items()})
    rule = {"plateau": s.plateau, "factor": 0.5, "patience": s.patience, "mixed": True}
    how = training.Settings(s.epochs, s.rate, "adamw", weight_decay=0.01, **rule)
    terms = METHODS[method].terms if net.head.sides else [1.0]
    judge, validation = films.train(net, terms, how, f"{fold} {method}")
    kept = judge.kept
    if method == ALONE:  # both streams rest as they are after their last epoch
        for module in (net.streams, net.head.norms, net.head.sides):
            module.requires_grad_(False).eval()
            module.train = lambda mode=True: None  # and stay in testing mode
        late, _ = films.train(net, (0.0, 0.0, 1.0), how, f"{fold} late")
        kept = {k: torch.cat([v[:JOINT], late.kept[k][JOINT:]]) for k, v in kept.items()}
    return {
        "clips": clips.meta["image"].to_numpy(dtype=str)[split.test],
        **{k: v[:, 0].cpu().numpy() for k, v in kept.items()},
        "validation": np.array(validation),
    }


@functools.lru_cache(maxsize=2)
def kept_pictures(ref: str, each: int | None, frames: int, side: int) -> np.ndarray:
    """Pictures of every film, uint8 (N, frames, side, side, 3), in a file: `faces`."""
    return faces(speech.chosen(datasets.resolve(ref), each), frames, side)


@dataclass(frozen=True)
class Films:
    """Clips as one network is given them, and its training; pictures uint8 (N, T, H, W, 3) may lie
    in a file: a batch of them is read when its turn comes."""

    pictures: np.ndarray
    sounds: speech.Sounds
    label: Tensor
    option: Option
    split: splits.Split
    seed: int
    batch: int

    def clips(self, rows: np.ndarray, rng: np.random.Generator | None = None) -> tuple:
        """Frames (B, T, 3, side, side), segments (B, S, 1, rows, length) and how many of those
        count (B,); with `rng` as training changes them."""
        count, frames = len(rows), self.pictures.shape[1] // 2
        at = np.tile(2 * np.arange(frames), (count, 1))
        slicing = rng if self.option.slicing else None
        if slicing is not None:
            at = at + rng.integers(0, 2, at.shape)
        shown = np.asarray(self.pictures[rows[:, None], at])  # a copy: so many films, no more
        x = fed(torch.as_tensor(shown, device=self.label.device))
        if rng is not None:
            shape = (count, 1 if self.option.per_clip else frames, 1, 1, 1)
            draws = [rng.random(shape), rng.uniform(0.7, 1.3, shape), rng.normal(0, 0.1, shape)]
            draws = [torch.as_tensor(v, dtype=x.dtype, device=x.device) for v in draws]
            x = torch.where(draws[0] < 0.5, x.flip(-1), x) * draws[1] + draws[2]
        return x, *self.sounds.segments(rows, slicing)

    def batches(self, epoch: int):
        rng = np.random.default_rng([self.seed, epoch])
        order = rng.permutation(self.split.train)
        for first in range(0, len(order) - 1, self.batch):
            now = order[first : first + self.batch]
            if len(now) > 1:
                yield *self.clips(now, rng), self.label[now]

    def train(
        self, net: MRPN, terms, how: training.Settings, label: str
    ) -> tuple[Judge, list[float]]:
        """Train with the multi-term loss (Eq. 28), and the loss that drove the rate: validation of
        the joint score, or where that is not trained the mean of the single modalities' own."""
        decide = [JOINT] if terms[-1] else [FACE, SOUND]
        followed: list[float] = []

        def scores(frames, segments, count) -> tuple[Tensor, list[Tensor]]:
            return net.head.all_scores(net.features(frames, segments, lengths=[None, count]))

        def loss(net, frames, segments, count, y) -> Tensor:
            joint, sides = scores(frames, segments, count)
            return multi_term_loss(
                lambda s, y: F.cross_entropy(s.float(), y), joint, sides, y, terms
            )

        def scored(rows: Tensor) -> Tensor:
            """(3, 1, B, C); a network without side scores repeats the joint one."""
            some, device = [], self.label.device.type
            for now in rows[0].cpu().split(32):
                shown = self.clips(now.numpy())  # not rounded to half: luma is a product too
                with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
                    joint, sides = scores(*shown)
                some.append(torch.stack([*(sides or [joint, joint]), joint]).float())
            return torch.cat(some, 1)[:, None]

        def validate(net, epoch) -> float:
            judge()
            followed.append(float(judge.validation[-1][0, decide].mean()))
            return -followed[-1]

        people = {}
        for k in ("validation", "test"):
            rows = torch.as_tensor(getattr(self.split, k), device=self.label.device)[None]  # (1, B)
            people[k] = (rows, self.label[rows], torch.ones(rows.shape, device=rows.device))
        judge = Judge(scored, people)
        training.fit(net, self.batches, loss, how, validate=validate, label=label)
        return judge, followed
