"""Figures of notebook 03: spectrograms, points, meshes, gradients, detectors, a pulse."""

from __future__ import annotations

import numpy as np
import pandas as pd

from emolib import EMOTIONS, evm
from emolib import data as datasets
from emolib.data.sim import affect, face, soundtrack
from emolib.data.sim.streams import stream
from emolib.features import detectors, mel, mesh, openpose
from emolib.reproduction.runs import Outcome, Pictures
from emolib.reproduction.studies.signals.plan import BAND, FILM_FPS, MOTION_BAND, Study

TURNS = (0, 15, 30, 45)  # degrees of yaw
ERASED = (0.0, 0.2, 0.4, 0.6, 0.8)  # share of the middle of the picture that is covered
FRAMES = 20  # that the paper shows of a film, ten by ten


# ---------------------------------------------------------------- sound


def _spectrogram(panel: str, log_mel: np.ndarray, rate: int, every: int) -> pd.DataFrame:
    """A spectrogram (frames, bands), hop 512, as rows: panel, second, band, measured."""
    seconds = np.arange(len(log_mel))[::every] * 512 / rate
    second, band = np.meshgrid(seconds, np.arange(log_mel.shape[1]), indexing="ij")
    columns = {"second": second.ravel().round(3), "band": band.ravel()}
    return pd.DataFrame({"panel": panel, **columns, "measured": log_mel[::every].ravel().round(1)})


def film_spectrogram(study: Study) -> Outcome:
    """Mel spectrogram of one training video's sound: 22,050 Hz, Hann 2048, hop 512, 128 bands
    (orgil2021, 3.2)."""
    size = "smoke" if study.profile == "smoke" else "quick"
    world = datasets.load("aff_wild", source="simulated", profile=size)
    video = 10 if len(world) > 10 else 0
    wave = soundtrack.of(world, video)[: int(study.sizes.seconds * soundtrack.RATE)]
    log_mel, name = mel.log_mel(wave, soundtrack.RATE), f"video {world.meta.video.iloc[video]}"
    frame = _spectrogram(name, log_mel, soundtrack.RATE, every=4)
    return study.outcome(frame, sources=(world,))


def speech_spectrograms(study: Study) -> Outcome:
    """One clip of each emotion by one actor: RAVDESS's own where it is at hand."""
    world = datasets.load("ravdess", modality="a", profile="smoke", rate=16_000)
    actor, parts = sorted(set(world.subject))[2], []
    for label in np.unique(world.label):
        row = np.flatnonzero((world.label == label) & (world.subject == actor))[0]
        log_mel = mel.log_mel(world.waveform[row](), world.rate, bands=48)
        parts.append(_spectrogram(EMOTIONS[label], log_mel, world.rate, every=3))
    return study.outcome(pd.concat(parts), sources=(world,))


# ---------------------------------------------------------------- points


def _listed(points: np.ndarray) -> pd.DataFrame:
    """Points (N, 2) as rows: point, x, y in pixels."""
    frame = pd.DataFrame(points[:, :2].round(2), columns=["x", "y"])
    frame.insert(0, "point", np.arange(len(points)))
    return frame


def key_points(study: Study, shown: str) -> Pictures:
    """70 face points ('face'), 18 body points ('body') or 'both': what detectors should find."""
    picture, film = study.scene()
    truth = detectors.SimulatorDetector(film).detect(picture)
    seen = truth.body[0][:, 2] > 0
    points = {"face": truth.seventy[0], "body": truth.body[0][seen, :2]}
    points["both"] = np.concatenate([points["face"], points["body"]])
    at = np.cumsum(seen) - 1 + (70 if shown == "both" else 0)  # index of a joint among the points
    bones = tuple((int(at[a]), int(at[b])) for a, b in openpose.BONES if seen[a] and seen[b])
    drawn = {"points": points[shown][None], "links": None if shown == "face" else bones}
    return study.outcome(_listed(points[shown]), Pictures, images=picture, **drawn)


def tracked(study: Study) -> Pictures:
    """A face tracked through a film: the box of its points, grown by 5 pixels, at six moments
    (orgil2022, 1.2.1)."""
    who, count = face.faces(12, 1), 6
    scene = np.repeat(who.scene, count)
    scene["yaw"], scene["cx"] = np.linspace(-20, 20, count), np.linspace(-0.7, 0.7, count)
    scene["cy"] = 0.3 + 0.25 * np.sin(np.linspace(0, 3, count))
    units = np.linspace(0, 0.9, count)[:, None] * affect.prototype("surprise")
    film = face.Faces(np.repeat(who.person, count), scene, units)
    images = face.render(film, study.sizes.size)
    boxes = detectors.SimulatorDetector(film).detect(images).box + np.array([-5, -5, 5, 5])
    frame = pd.DataFrame(boxes.round(2), columns=["left", "top", "right", "bottom"])
    frame = frame.assign(frame=np.arange(count))
    return study.outcome(frame, Pictures, images=images, boxes=boxes)


def mesh_on_picture(study: Study) -> Pictures:
    """The 468 points of the mesh on the picture they belong to."""
    picture, film = study.scene("surprise", 20.0)
    points = face.mesh(film, picture.shape[1])[0][:, :2]
    return study.outcome(_listed(points), Pictures, images=picture, points=points[None])


def mesh_alone(study: Study) -> Outcome:
    """The mesh by itself: centred, in units of the distance between the eyes (what orgil2022's Mesh
    network is given)."""
    picture, film = study.scene("surprise", 20.0)
    points = mesh.normalised(face.mesh(film, picture.shape[1]), mesh.SIMULATED_CORNERS)[0]
    frame = pd.DataFrame(points.round(4), columns=["x", "y", "z"])
    return study.outcome(frame.assign(point=np.arange(len(points))))


# ---------------------------------------------------------------- gradients and eigenfaces


def eigenfaces(study: Study, shown: int = 7) -> Pictures:
    """Eigenfaces (top: most variance) and fisherfaces (bottom: best apart by emotion), the first of
    each, scaled to the full grey range."""
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    world, grey = study.frontal
    flat = grey.reshape(len(grey), -1)
    few = min(40, len(flat) - len(np.unique(world.label)) - 1)
    eigen = PCA(few, svd_solver="full").fit(flat)
    fisher = LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.1)
    fisher.fit(eigen.transform(flat), world.label)
    along = (fisher.scalings_.T @ eigen.components_)[:shown]
    faces = np.concatenate([eigen.components_[:shown], along])
    # the sign is free: the largest weight is bright
    faces *= np.where(np.abs(faces.max(1)) < np.abs(faces.min(1)), -1, 1)[:, None]
    low, high = faces.min(1, keepdims=True), faces.max(1, keepdims=True)
    images = np.round(255 * (faces - low) / (high - low)).astype(np.uint8).reshape(-1, 64, 64)
    shares = [way.explained_variance_ratio_[:shown] for way in (eigen, fisher)]
    kinds = ["eigenface"] * shown + ["fisherface"] * len(along)
    frame = pd.DataFrame({"kind": kinds, "measured": np.concatenate(shares)})
    tiles = frame.assign(share=frame.measured.map("{:.0%}".format))
    return study.outcome(frame, Pictures, sources=(world,), images=images, tiles=tiles)


def gradients(study: Study, cells: int = 8, bins: int = 9) -> Pictures:
    """A face and its histograms of oriented gradients: in each cell a star whose rays are as bright
    as that direction is frequent."""
    from emolib.features import texture

    world, grey = study.frontal
    names = ("neutral", "happy", "surprise", "angry")
    rows = [int(np.flatnonzero(world.label == EMOTIONS.index(name))[0]) for name in names]
    pictures = np.round(grey[rows]).astype(np.uint8)
    every = texture.phog(pictures, levels=3, bins=bins, angle=180, edges="gradient")
    # the last level has 8 x 8 cells
    histograms = every[:, -cells * cells * bins :].reshape(-1, cells, cells, bins)
    cell = list(np.ndindex(cells, cells, bins))
    frame = pd.DataFrame(cell * len(names), columns=["row", "column", "direction"])
    frame.insert(0, "emotion", np.repeat(names, len(cell)))
    frame["measured"] = histograms.round(4).ravel()
    images = [np.kron(picture, np.ones((3, 3), np.uint8)) for picture in pictures]
    images += [_stars(histogram, 24) for histogram in histograms]
    drawn = {"images": np.stack(images), "tiles": pd.DataFrame({"what": names * 2})}
    return study.outcome(frame, Pictures, sources=(world,), **drawn)


def _stars(histogram: np.ndarray, cell: int) -> np.ndarray:
    """(cells, cells, bins) -> uint8 (cells * cell, cells * cell): one ray per direction, along the
    edge (across the gradient)."""
    cells, _, bins = histogram.shape
    y, x = np.mgrid[:cell, :cell] - (cell - 1) / 2
    angle = (np.arange(bins) + 0.5) * np.pi / bins + np.pi / 2  # gradient + 90 degrees
    away = np.abs(x[..., None] * np.sin(angle) - y[..., None] * np.cos(angle))  # from each ray
    inside = (np.hypot(x, y) < cell / 2)[..., None]
    ray = np.exp(-((away / 0.6) ** 2)) * inside  # (cell, cell, bins)
    out = np.einsum("ijb,yxb->iyjx", histogram / (histogram.max() + 1e-12), ray)
    out = out.reshape(cells * cell, cells * cell)
    return np.round(255 * np.clip(out / out.max(), 0, 1) ** 0.6).astype(np.uint8)


# ---------------------------------------------------------------- detectors


def found_by_turn(study: Study) -> Outcome:
    """Share of faces that each detector finds, by how far the head is turned."""
    return study.outcome(_shares(study, {turn: study.turned(turn) for turn in TURNS}, "yaw"))


def found_when_erased(study: Study) -> Pictures:
    """Share of frontal faces that each detector finds when a rectangle is erased (Zhong et al.
    2017), and one person with more and more of the face erased."""
    faces = study.turned(0)
    frame = _shares(study, {share: erase(faces, share) for share in ERASED}, "erased")
    tiles = pd.DataFrame({"erased": [f"{share:.0%}" for share in ERASED]})
    images = np.concatenate([erase(faces[:1], share) for share in ERASED])
    return study.outcome(frame, Pictures, images=images, tiles=tiles)


def erase(images: np.ndarray, share: float) -> np.ndarray:
    """A rectangle of `share` of the middle half of each picture, anywhere in it, becomes noise."""
    out, rng = images.copy(), stream(5, "erase")
    size = images.shape[1]
    for image in out:
        aspect, u, v = np.exp(rng.uniform(np.log(0.5), np.log(2.0))), *rng.random(2)
        height = min(size // 2, round(size / 2 * np.sqrt(share * aspect)))
        width = min(size // 2, round(size / 2 * np.sqrt(share / aspect)))
        top = round(size / 4 + u * (size / 2 - height))
        left = round(size / 4 + v * (size / 2 - width))
        image[top : top + height, left : left + width] = rng.integers(0, 256, (height, width, 3))
    return out


def _shares(study: Study, conditions: dict, name: str) -> pd.DataFrame:
    """Share of the pictures of a condition in which a detector finds a face; Wilson intervals."""
    from scipy.stats import binomtest

    rows, together = [], np.concatenate(list(conditions.values()))
    for label, finder in study.finders.items():
        every = np.split(finder.detect(together).found, len(conditions))
        for condition, hits in zip(conditions, every, strict=True):
            low, high = binomtest(int(hits.sum()), len(hits)).proportion_ci(method="wilson")
            rows.append((label, condition, hits.mean(), low, high))
    return pd.DataFrame(rows, columns=["detector", name, "measured", "low", "high"])


# ---------------------------------------------------------------- magnification (orgil2022, 1.2.5)


def pulse_spectrum(study: Study) -> Outcome:
    """Spectrum of the mean skin behind Fig. 1.12, before and after: where to put the band."""
    film, skin, magnified = study.pulse
    films = {"as filmed": film, "magnified": magnified}
    parts = [evm.spectrum(f, FILM_FPS, skin).frame(name) for name, f in films.items()]
    frame = pd.concat(parts)
    return study.outcome(frame[(frame.hertz <= 5) & frame.series.str.endswith("green")])


def colour_magnified(study: Study) -> Pictures:
    """Twenty frames of a film magnified as a whole: ten while the blood is in, ten while it is out.

    `measured`: mean green of the skin in each, as filmed, of the difference, and magnified. The
    difference is drawn 16 times as strong, on grey.
    """
    film, skin, magnified = study.pulse
    start = 165 - FRAMES // 2 - 3  # a pulse of 1.2 Hz falls through 0 at 5.42 s, frame 162.5
    rows, images = [], []
    for first in (start, start + 10):
        at = np.arange(first, first + 10)
        difference = magnified[at].astype(np.float64) - film[at]
        strong = np.clip(128 + 16 * difference, 0, 255).round().astype(np.uint8)
        images += [film[at], strong, magnified[at]]
        for name, values in (
            ("as filmed", film[at]),
            ("difference x 16", difference),
            ("magnified", magnified[at]),
        ):
            for t, frame in zip(at, values, strict=True):
                green = float((frame[..., 1] * skin).sum() / skin.sum())
                rows.append((name, int(t), round(green, 3)))
    frame = pd.DataFrame(rows, columns=["picture", "frame", "measured"])
    return study.outcome(frame, Pictures, images=np.concatenate(images))


def motion_magnified(study: Study) -> Pictures:
    """A lip corner pulled a little (AU 12 at 0.08, 1 s up and down): as filmed, colour magnified,
    motion magnified, at five moments of the pull.

    `measured`: mean difference from the first frame around the mouth, which is cut out.
    """
    count, size, alpha = 90, study.sizes.size, study.sizes.alpha
    pull = 0.08 * np.sin(np.pi * np.clip(np.arange(count) / FILM_FPS - 1, 0, 1)) ** 2
    who = face.faces(12, 1, span=3.2, noise=0.0)
    still = (np.repeat(v, count, 0) for v in (who.person, who.scene, who.units * 0))
    film = face.render(face.Faces(*still).acting(au12=pull), size)
    mouth = face.points(who, size)[0, 48:68]
    left, top = (mouth.min(0) - size / 12).astype(int)
    right, bottom = (mouth.max(0) + size / 10).astype(int)
    made = {
        "as filmed": film,
        "colour": evm.magnify(film, FILM_FPS, *BAND, alpha),
        "motion": evm.magnify(film, FILM_FPS, *MOTION_BAND, alpha, mode="motion"),
    }
    rows, images = [], []
    for t in (30, 36, 40, 45, 52):
        for name, pictures in made.items():
            change = np.abs(pictures[t].astype(np.float64) - film[0])[top:bottom, left:right].mean()
            moment = (f"{t / FILM_FPS:.2f} s", round(float(pull[t]), 3))
            rows.append((name, *moment, round(float(change), 3)))
            images.append(pictures[t, top:bottom, left:right])
    frame = pd.DataFrame(rows, columns=["picture", "moment", "pull", "measured"])
    return study.outcome(frame, Pictures, images=np.stack(images))
