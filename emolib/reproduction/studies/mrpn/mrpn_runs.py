"""The runs of notebook 44 on features made once: fusion methods on the folds of a set, and on worlds with something wrong in them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from emolib.data import splits
from emolib.reproduction import runs
from emolib.reproduction.studies.mrpn import mrpn_networks as networks
from emolib.reproduction.studies.mrpn import mrpn_worlds as worlds
from emolib.reproduction.studies.mrpn.mrpn_features import Bank, bank
from emolib.reproduction.studies.mrpn.mrpn_networks import ALONE, FACE, JOINT, LATE, SOUND, Job

PROTOCOLS = {"ravdess": "ravdess-12x2", "crema_d": "crema_d-9"}


def made(arguments: dict) -> Bank:
    """The bank behind these arguments of mrpn_features.bank, from the store or computed now."""
    return Bank(**runs.map(bank, [arguments], jobs=1)[0])


def parts(name: str, subject: np.ndarray, seed: int) -> list[splits.Split]:
    """The folds of Table 5.2 or 5.3 on these subjects; `seed` draws who decides."""
    return splits.literature_folds(
        SimpleNamespace(name=name, subject=subject), PROTOCOLS[name], seed=seed
    )


def folds(
    *,
    features: dict,
    name: str,
    seeds: list[int],
    methods: list[str],
    late: bool,
    option: str,
    hidden: int,
    aggregator: str,
    epochs: int,
    rate: float,
    batch: int,
) -> dict:
    """Train `methods` (and late fusion) on every fold of a set with every seed, all together; JSON-able arguments, plain values and arrays out.

    features   arguments of mrpn_features.bank;   name   'ravdess' or 'crema_d'
    Returns fold (J,), seed (J,), tested (J, B) rows of the bank and count (J,): how many of them are meant; results {method: as
    mrpn_networks._Watch.result}; parameters of one network.
    """
    held = made(features)
    rows, jobs, named = np.arange(len(held.label)), [], []
    for seed in seeds:
        for split in parts(name, held.subject, 0):  # the same people decide for every seed
            jobs.append(
                Job(
                    rows,
                    rows,
                    held.label,
                    held.label,
                    split.train,
                    split.validation,
                    split.test,
                    seed,
                )
            )
            named.append(split.name)
    found = networks.fit(
        held,
        jobs,
        methods,
        option=option,
        hidden=hidden,
        aggregator=aggregator,
        epochs=epochs,
        rate=rate,
        batch=batch,
        late=late,
    )
    tested, real = networks._padded([j.test for j in jobs], "cpu")
    keep = (
        "scores",
        "scores_as_printed",
        "best_epoch",
        "loss",
        "validation",
        "gradient",
        "features",
    )
    return {
        "fold": named,
        "seed": [j.seed for j in jobs],
        "tested": tested.numpy(),
        "count": real.sum(1).numpy().astype(int),
        "results": {m: {k: r[k] for k in keep} for m, r in found.items()},
    }


def sweep(
    *,
    features: dict,
    seed: int,
    settings: list[list],
    folds: int,
    methods: list[str],
    hidden: int,
    epochs: int,
    rate: float,
    batch: int,
) -> dict:
    """Train every method in one world, once for each setting [dial, level] and fold of actors. What is learnt from is a film's mean face and mean sound.

    Returns truth (S, K, B), named {way: int (S, K, B)} for every way of mrpn_networks.ORDER that was trained, at the epoch that other actors choose,
    actor (K, B), and gradient {way: (S, 2)}: mean norm at each branch over the epochs.
    """
    held = made(features)
    held = replace(
        held, face=held.face.mean(1, keepdims=True), sound=held.sound.mean(1, keepdims=True)
    )
    split = worlds.thirds(held, folds)
    jobs = [
        job
        for dial, level in settings
        for job in worlds.jobs(held, seed, worlds.Setting(dial, level), split)
    ]
    found = networks.fit(
        held,
        jobs,
        methods,
        option="IA",
        hidden=hidden,
        aggregator="average",
        epochs=epochs,
        rate=rate,
        batch=batch,
        late=ALONE in methods,
    )
    shape, least = (len(settings), folds, -1), min(len(j.test) for j in jobs)
    say = lambda r, k: r["scores"][k].argmax(-1)[:, :least].reshape(shape)  # noqa: E731
    named = {m: say(r, JOINT) for m, r in found.items() if m != ALONE}
    if ALONE in found:
        named |= {"face alone": say(found[ALONE], FACE), "sound alone": say(found[ALONE], SOUND)}
    gradient = {
        m: r["gradient"].mean(0).reshape(len(settings), folds, 2).mean(1)
        for m, r in found.items()
        if m != LATE
    }
    return {
        "truth": np.stack([j.truth[j.test[:least]] for j in jobs]).reshape(shape),
        "actor": np.stack([held.subject[p[2][:least]] for p in split]),
        "named": {m: v.astype(np.int8) for m, v in named.items()},
        "gradient": gradient,
    }
