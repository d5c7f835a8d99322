"""Notebook 03: what the networks are given: mel spectrograms, points, mesh, gradients, eigenfaces, and how detectors find a face.

People in pictures are the simulator's; speech is RAVDESS's own where it is at hand.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib import data as datasets
from emolib.data.kept import simulator as simulator_sources
from emolib.data.sim import affect, face, soundtrack
from emolib.data.sim.streams import stream
from emolib.features import detectors, mel, mesh, openpose, pose
from emolib.ground.errors import EmolibError, nearest
from emolib.reproduction import runs
from emolib.reproduction.runs.outcome import Outcome, Pictures, sources_of

TURNS = (0, 15, 30, 45)  # degrees of yaw
ERASED = (
    0.0,
    0.2,
    0.4,
    0.6,
    0.8,
)  # share of the middle of the picture, where the face is, that is covered


@dataclass(frozen=True)
class Sizes:
    faces: int  # behind each share of found faces
    size: int  # pixels of the pictures that are shown
    models: int  # people behind the eigenfaces
    seconds: float  # of the film


SIZES = {
    "smoke": Sizes(4, 96, 4, 4.0),
    "quick": Sizes(20, 120, 20, 10.0),
    "full": Sizes(200, 240, 67, 30.0),
}


def sizes(profile: str) -> Sizes:
    if profile not in SIZES:
        raise nearest(profile, SIZES, what="profile")
    return SIZES[profile]


def _outcome(frame, profile, *sets, kind=Outcome, **more):
    return kind(
        frame, profile=profile, sources=sources_of(*sets), caps=asdict(sizes(profile)), **more
    )


SIMULATED = {
    "simulated world": {"source": "simulated", "fingerprint": simulator_sources()}
}  # drawn or spoken, of no set


def drawn(frame, profile, kind=Pictures, **more):
    """An outcome of pictures that belong to no data set: drawn by the simulator whose sources are named."""
    return kind(frame, profile=profile, sources=SIMULATED, caps=asdict(sizes(profile)), **more)


# ---- sound


def spectrogram_rows(
    panel: str, log_mel: np.ndarray, rate: int, hop: int, every: int = 1
) -> pd.DataFrame:
    """A spectrogram (frames, bands) as rows: panel, second, band, measured."""
    second, band = np.meshgrid(
        np.arange(len(log_mel))[::every] * hop / rate, np.arange(log_mel.shape[1]), indexing="ij"
    )
    return pd.DataFrame(
        {
            "panel": panel,
            "second": second.ravel().round(3),
            "band": band.ravel(),
            "measured": log_mel[::every].ravel().round(1),
        }
    )


@runs.once
def film_spectrogram(profile: str) -> Outcome:
    """Mel spectrogram of one training video's sound: 22,050 Hz, Hann 2048, hop 512, 128 bands (orgil2021, 3.2)."""
    world = datasets.load(
        "aff_wild", source="simulated", profile="quick" if profile != "smoke" else "smoke"
    )
    wave = soundtrack.of(world, 10 if len(world) > 10 else 0)[
        : int(sizes(profile).seconds * soundtrack.RATE)
    ]
    frame = spectrogram_rows(
        f"video {world.meta.video.iloc[10 if len(world) > 10 else 0]}",
        mel.log_mel(wave, soundtrack.RATE),
        soundtrack.RATE,
        512,
        every=4,
    )
    return _outcome(frame, profile, world)


@runs.once
def speech_spectrograms(profile: str) -> Outcome:
    """One clip of each emotion by one actor."""
    world = datasets.load("ravdess", modality="a", profile="smoke", rate=16_000)
    actor = sorted(set(world.subject))[2]
    parts = []
    for k in [EMOTIONS.index(e) for e in EMOTIONS if (world.label == EMOTIONS.index(e)).any()]:
        row = np.flatnonzero((world.label == k) & (world.subject == actor))[0]
        parts.append(
            spectrogram_rows(
                EMOTIONS[k],
                mel.log_mel(world.waveform[row](), world.rate, bands=48),
                world.rate,
                512,
                every=3,
            )
        )
    return _outcome(pd.concat(parts, ignore_index=True), profile, world)


@runs.once
def scales(profile: str) -> Outcome:
    """Middle frequency of each of 128 bands up to 11,025 Hz: the scale of the printed Eq. 7 (HTK's) and librosa's default (Slaney's)."""
    rows = []
    for name, to_hertz, top in (
        ("Eq. 7, as printed (HTK)", mel.htk_hertz, mel.htk_mel(11_025.0)),
        ("librosa's default (Slaney)", mel.slaney_hertz, mel.slaney_mel(11_025.0)),
    ):
        middle = to_hertz(np.linspace(0, float(top), 130)[1:-1])
        rows += [(name, band, float(hz)) for band, hz in enumerate(middle)]
    return _outcome(pd.DataFrame(rows, columns=["scale", "band", "measured"]), profile)


# ---- points


@runs.once
def _scene(profile: str, emotion: str = "happy", yaw: float = 12.0):
    """One person, portrait: the picture (1, H, W, 3) and the film behind it."""
    who = face.faces(11, 1, yaw=yaw, span=4.6)
    film = face.Faces(who.person, who.scene, affect.prototype(emotion)[None] * 0.9)
    return face.render(film, 2 * sizes(profile).size), film


@runs.once
def key_points(profile: str, part: str) -> Pictures:
    """70 face points ('face'), 18 body points ('body') or both, on one frame: the truth the detectors are judged by."""
    picture, film = _scene(profile)
    found = detectors.SimulatorDetector(film).detect(picture)
    body = found.body[0][found.body[0][:, 2] > 0][:, :2]
    points = {
        "face": found.seventy[0],
        "body": body,
        "both": np.concatenate([found.seventy[0], body]),
    }[part]
    seen = np.cumsum(found.body[0][:, 2] > 0) - 1  # index among the joints that are seen
    links = tuple(
        (int(seen[a]), int(seen[b]))
        for a, b in openpose.BONES
        if (found.body[0][[a, b], 2] > 0).all()
    )
    links = {"face": None, "body": links, "both": tuple((a + 70, b + 70) for a, b in links)}[part]
    frame = pd.DataFrame(
        {"point": np.arange(len(points)), "x": points[:, 0].round(2), "y": points[:, 1].round(2)}
    )
    return drawn(frame, profile, images=picture, points=points[None], links=links)


@runs.once
def tracked(profile: str) -> Pictures:
    """A face tracked through a film: the box of its points, grown by 5 pixels, at six moments (orgil2022, 1.2.1)."""
    size, count = sizes(profile).size, 6
    who = face.faces(12, 1)
    scene = np.repeat(who.scene, count)
    scene["yaw"], scene["cx"], scene["cy"] = (
        np.linspace(-20, 20, count),
        np.linspace(-0.7, 0.7, count),
        0.3 + 0.25 * np.sin(np.linspace(0, 3, count)),
    )
    units = np.linspace(0, 0.9, count)[:, None] * affect.prototype("surprise")
    film = face.Faces(np.repeat(who.person, count), scene, units)
    images = face.render(film, size)
    boxes = detectors.SimulatorDetector(film).detect(images).box + np.array([-5, -5, 5, 5])
    frame = pd.DataFrame(boxes.round(2), columns=["left", "top", "right", "bottom"]).assign(
        frame=np.arange(count)
    )
    return drawn(frame, profile, images=images, boxes=boxes)


@runs.once
def mesh_on_picture(profile: str) -> Pictures:
    """The 468 points of the mesh on the picture they belong to."""
    picture, film = _scene(profile, "surprise", 20.0)
    points = face.mesh(film, picture.shape[1])[0][:, :2]
    frame = pd.DataFrame(
        {"point": np.arange(len(points)), "x": points[:, 0].round(2), "y": points[:, 1].round(2)}
    )
    return drawn(frame, profile, images=picture, points=points[None])


@runs.once
def mesh_alone(profile: str) -> Outcome:
    """The same mesh by itself: centred, in units of the distance between the eyes (the input of orgil2022's Mesh network)."""
    picture, film = _scene(profile, "surprise", 20.0)
    points = mesh.normalised(face.mesh(film, picture.shape[1]), mesh.SIMULATED_CORNERS)[0]
    return drawn(
        pd.DataFrame(points.round(4), columns=["x", "y", "z"]).assign(point=np.arange(len(points))),
        profile,
        kind=Outcome,
    )


# ---- gradients and eigenfaces


def _frontal(profile: str):
    """Grey frontal faces (N, 64, 64) of the RaFD stand-in, and their people."""
    world = datasets.load(
        "rafd",
        source="simulated",
        profile="quick",
        models=sizes(profile).models,
        yaws=(90,),
        gazes=("frontal",),
        size=64,
    )
    return world, world.images.astype(np.float64).mean(-1)


@runs.once
def eigenfaces(profile: str, shown: int = 7) -> Pictures:
    """The first eigenfaces (top: most variance) and fisherfaces (bottom: best apart by emotion), each scaled to the full grey range."""
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    world, grey = _frontal(profile)
    flat = grey.reshape(len(grey), -1)
    few = min(40, len(flat) - len(np.unique(world.label)) - 1)
    eigen = PCA(few, svd_solver="full").fit(flat)
    fisher = LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.1).fit(
        eigen.transform(flat), world.label
    )
    faces = np.concatenate(
        [eigen.components_[:shown], (fisher.scalings_.T @ eigen.components_)[:shown]]
    )
    faces *= np.where(np.abs(faces.max(1)) < np.abs(faces.min(1)), -1, 1)[
        :, None
    ]  # the sign is free: the largest weight is bright
    low, high = faces.min(1, keepdims=True), faces.max(1, keepdims=True)
    images = np.round(255 * (faces - low) / (high - low)).astype(np.uint8).reshape(-1, 64, 64)
    share = np.concatenate(
        [eigen.explained_variance_ratio_[:shown], fisher.explained_variance_ratio_[:shown]]
    )
    tiles = pd.DataFrame(
        {
            "kind": ["eigenface"] * shown + ["fisherface"] * min(shown, len(images) - shown),
            "measured": share,
        }
    )
    tiles["share"] = [f"{v:.0%}" for v in tiles.measured]
    return _outcome(
        tiles[["kind", "measured"]], profile, world, kind=Pictures, images=images, tiles=tiles
    )


@runs.once
def gradients(profile: str, cells: int = 8, bins: int = 9) -> Pictures:
    """A face and its histograms of oriented gradients: in each cell a star whose rays are as bright as that direction is frequent."""
    from emolib.features import texture

    world, grey = _frontal(profile)
    rows = [
        int(np.flatnonzero(world.label == EMOTIONS.index(e))[0])
        for e in ("neutral", "happy", "surprise", "angry")
    ]
    pictures = [np.round(g).astype(np.uint8) for g in grey[rows]]
    every = texture.phog(
        np.stack(pictures), levels=3, bins=bins, angle=180, edges="gradient"
    )  # the last level has 8 x 8 cells
    histograms = every[:, -cells * cells * bins :].reshape(-1, cells, cells, bins)
    stars = [_stars(h, 24) for h in histograms]
    wide = [np.kron(p, np.ones((3, 3), np.uint8)) for p in pictures]
    frame = pd.DataFrame(
        [
            (EMOTIONS[world.label[r]], i, j, b, v)
            for r, h in zip(rows, histograms)
            for (i, j, b), v in np.ndenumerate(h.round(4))
        ],
        columns=["emotion", "row", "column", "direction", "measured"],
    )
    tiles = pd.DataFrame({"what": [EMOTIONS[world.label[r]] for r in rows] * 2})
    return _outcome(
        frame, profile, world, kind=Pictures, images=np.stack([*wide, *stars]), tiles=tiles
    )


def _stars(histogram: np.ndarray, cell: int) -> np.ndarray:
    """(cells, cells, bins) -> uint8 (cells * cell, cells * cell): one ray per direction, along the edge (across the gradient)."""
    cells, _, bins = histogram.shape
    y, x = np.mgrid[:cell, :cell] - (cell - 1) / 2
    angle = (np.arange(bins) + 0.5) * np.pi / bins + np.pi / 2  # gradient + 90 degrees
    away = np.abs(
        x[..., None] * np.sin(angle) - y[..., None] * np.cos(angle)
    )  # distance to each ray
    ray = (
        np.exp(-((away / 0.6) ** 2)) * (np.hypot(x, y) < cell / 2)[..., None]
    )  # (cell, cell, bins)
    out = np.einsum("ijb,yxb->iyjx", histogram / (histogram.max() + 1e-12), ray).reshape(
        cells * cell, cells * cell
    )
    return np.round(255 * np.clip(out / out.max(), 0, 1) ** 0.6).astype(np.uint8)


# ---- detectors


def _finders() -> dict:
    """The detectors that this machine has: gradients (dlib) and deep features (MediaPipe)."""
    here = {}
    for label, name in (
        ("gradients (dlib's HOG)", "dlib"),
        ("deep features (MediaPipe)", "mediapipe"),
    ):
        try:
            here[label] = detectors.make(name, video=False)
        except EmolibError:
            continue
    return here


@runs.once
def found_by_turn(profile: str) -> Outcome:
    """Share of faces that each detector finds, by how far the head is turned; a Wilson interval over people."""
    return drawn(
        _shares(profile, [(turn, _turned(profile, turn)) for turn in TURNS], "yaw"),
        profile,
        kind=Outcome,
    )


@runs.once
def found_when_erased(profile: str) -> Outcome:
    """Share of frontal faces that each detector finds when a rectangle of the face is erased (Zhong et al. 2017)."""
    faces = _turned(profile, 0)
    return drawn(
        _shares(profile, [(share, _erase(faces, share)) for share in ERASED], "erased"),
        profile,
        kind=Outcome,
    )


@runs.once
def erased(profile: str) -> Pictures:
    """One person with more and more of the face erased."""
    faces = _turned(profile, 0)[:1]
    frame = pd.DataFrame({"erased": [f"{s:.0%}" for s in ERASED]})
    return drawn(frame, profile, images=np.concatenate([_erase(faces, s) for s in ERASED]))


@runs.once
def _turned(profile: str, turn: float) -> np.ndarray:
    """uint8 (N, 160, 160, 3): different people, portrait, turned to both sides."""
    count = sizes(profile).faces
    crowd = face.faces(21, count, yaw=np.where(np.arange(count) % 2, turn, -turn).astype(float))
    return face.render(
        face.Faces(crowd.person, crowd.scene, affect.expressions(21, np.arange(count) % 7)), 160
    )


def _erase(images: np.ndarray, share: float) -> np.ndarray:
    """A rectangle of `share` of the middle half of each picture, anywhere in it, filled with noise."""
    out, rng = images.copy(), stream(5, "erase")
    size = images.shape[1]
    for image in out:
        aspect, u, v = np.exp(rng.uniform(np.log(0.5), np.log(2.0))), *rng.random(2)
        height = min(size // 2, round(size / 2 * np.sqrt(share * aspect)))
        width = min(size // 2, round(size / 2 * np.sqrt(share / aspect)))
        top, left = (
            round(size / 4 + u * (size / 2 - height)),
            round(size / 4 + v * (size / 2 - width)),
        )
        image[top : top + height, left : left + width] = rng.integers(0, 256, (height, width, 3))
    return out


def _shares(profile: str, conditions, name: str) -> pd.DataFrame:
    from scipy.stats import binomtest

    rows, together = [], np.concatenate([images for _, images in conditions])
    for label, finder in _finders().items():
        every = np.split(finder.detect(together).found, len(conditions))
        for (condition, _), found in zip(conditions, every):
            low, high = binomtest(int(found.sum()), len(found)).proportion_ci(method="wilson")
            rows.append((label, condition, found.mean(), low, high))
    return pd.DataFrame(rows, columns=["detector", name, "measured", "low", "high"])


@runs.once
def pose_from_points(profile: str) -> Outcome:
    """Head turn computed from 68 points against the true one: from the true points and from each detector's."""
    count = 4 * sizes(profile).faces
    turn = np.linspace(-35, 35, count)
    crowd = face.faces(31, count, yaw=turn)
    images, rows = face.render(crowd, 160), []
    for label, finder in ({"true points": detectors.SimulatorDetector(crowd)} | _finders()).items():
        found = finder.detect(images)
        yaw = pose.angles(found.points[found.found])[:, 0]
        rows += [(label, t, y) for t, y in zip(turn[found.found], yaw)]
    return drawn(pd.DataFrame(rows, columns=["points", "turn", "measured"]), profile, kind=Outcome)
