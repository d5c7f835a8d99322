"""The classical rival of the speech networks: 88 functionals (eGeMAPS, Eyben et al. 2016) and a linear support vector machine (notebook 43).

The functionals come from the package opensmile (extra `[egemaps]`, not for commercial use). Without it there is no such row.
"""

from __future__ import annotations

import importlib.util

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from emolib import data as datasets
from emolib.reproduction.studies.speech.speech_networks import chosen, codes

CS = (0.01, 0.03, 0.1, 0.3, 1.0)  # weights of the slacks that the validation actors choose from


def at_hand() -> bool:
    """Is opensmile installed?"""
    return importlib.util.find_spec("opensmile") is not None


def functionals(*, data: str, subject: str, each: int | None) -> dict:
    """eGeMAPS of the clips of one speaker: features float32 (n, 88), their names, the clips' names."""
    import opensmile

    whole = chosen(datasets.resolve(data), each)
    mine = np.flatnonzero(whole.subject == subject)
    smile = opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02,
        feature_level=opensmile.FeatureLevel.Functionals,
    )
    rows = [smile.process_signal(whole.waveform[i](), whole.rate).to_numpy()[0] for i in mine]
    return {
        "features": np.array(rows, np.float32),
        "names": list(smile.feature_names),
        "clips": whole.meta["image"].to_numpy(dtype=str)[mine],
    }


def named(features: np.ndarray, data, split) -> np.ndarray:
    """Classes (N_test,) that a linear machine names on the test part of a split; C is chosen on its validation part.

    features (N, 88) of the rows of `data`; scaled by the training rows
    """
    truth, right = codes(data), []
    for C in CS:
        machine = make_pipeline(StandardScaler(), SVC(kernel="linear", C=C)).fit(
            features[split.train], truth[split.train]
        )
        right.append(
            (machine.predict(features[split.validation]) == truth[split.validation]).mean()
        )
    best = CS[int(np.argmax(right))]
    machine = make_pipeline(StandardScaler(), SVC(kernel="linear", C=best)).fit(
        features[split.train], truth[split.train]
    )
    return machine.predict(features[split.test])
