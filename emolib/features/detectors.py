"""Who finds the points: dlib, MediaPipe, or the simulator, which knows them.

A missing library or model file is an error that says where to get it. Speed and accuracy beside
each other: tests/bench_landmarks.py.
"""

from __future__ import annotations

import importlib.metadata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from emolib.data.files import digest_of, guard
from emolib.features import mediapipe_map
from emolib.features.landmarks import JOINTS, POINTS, Detector, Landmarks, checked
from emolib.features.mesh import BLENDSHAPES, Mesh
from emolib.ground import settings
from emolib.ground.errors import EmolibError, nearest

NAMES = ("dlib", "mediapipe", "simulator")
SEEN = 0.5  # MediaPipe's visibility below which a joint counts as unseen
MODELS = {
    "face_landmarker.task": "Face Landmarker, float16",
    "pose_landmarker_full.task": "Pose Landmarker, full",
}


def make(name: str, *, video: bool = True) -> Detector:
    """The detector called `name`; `video` False for unrelated pictures."""
    if name not in NAMES:
        raise nearest(name, NAMES, what="detector")
    if name == "simulator":
        raise EmolibError(
            "detector 'simulator' gives the truth of a simulated film "
            "and cannot look at other pictures"
        )
    return DlibDetector() if name == "dlib" else MediaPipeDetector(video=video)


def model_file(name: str) -> Path:
    """A model file of MediaPipe's: models/ in the data folder, then $EMOLIB_ASSETS."""
    places = settings.models()
    for place in places:
        if (place / name).exists():
            return guard(place / name)
    raise EmolibError(
        f"model file {name} is not in {' or '.join(map(str, places))}; "
        f"get it from Google's MediaPipe models ({MODELS[name]}) and put it there"
    )


def library(module: str, package: str):
    """An optional library; EmolibError that says how to get it where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise EmolibError(
            f"detector {module} is off: {error}; pip install {package} (extra `detectors`), "
            "`emolib doctor` says more"
        ) from None


def packaged(package: str, name: str) -> Path:
    """A file inside an installed package, found without importing the package."""
    try:
        files = [f for f in importlib.metadata.files(package) or () if f.name == name]
    except importlib.metadata.PackageNotFoundError:
        files = []
    if not files:
        raise EmolibError(
            f"model file {name} is part of the package {package}, which is not installed; "
            f"pip install {package}"
        )
    return guard(Path(files[0].locate()))


class DlibDetector:
    """dlib's HOG detector (Dalal and Triggs, 2005) and 68 points (Kazemi and Sullivan, 2014).

    It sees the grey frame shrunk to a short side of about 240, then, where it finds nobody, the
    whole frame, and small ones doubled; the largest face counts. The smallest that can be found is
    80 pixels wide (40 and 20 in frames of 320 and 120). No body, no pupils; not for commercial use.
    """

    def __init__(self):
        self._dlib = library("dlib", "dlib-bin")
        path = packaged("face_recognition_models", "shape_predictor_68_face_landmarks.dat")
        self._find = self._dlib.get_frontal_face_detector()
        self._predict = self._dlib.shape_predictor(str(path))
        self.fingerprint = f"dlib {self._dlib.__version__} {digest_of(path)}"

    def detect(self, frames: np.ndarray) -> Landmarks:
        frames = checked(frames)
        points = np.full((len(frames), POINTS, 2), np.nan, np.float32)
        for t, frame in enumerate(frames):
            grey, boxes = self._faces(frame)
            if boxes:
                points[t] = self._points(grey, boxes[0])
        return Landmarks(points=points, found=np.isfinite(points).all((1, 2)))

    def everyone(self, frames: np.ndarray) -> list[np.ndarray]:
        """The points of every face in each frame, the largest first: T arrays (K, 68, 2)."""
        people = []
        for frame in checked(frames):
            grey, boxes = self._faces(frame)
            points = [self._points(grey, box) for box in boxes]
            people.append(np.array(points, np.float32).reshape(-1, POINTS, 2))
        return people

    def _points(self, grey, box):
        return [(p.x, p.y) for p in self._predict(grey, box).parts()]

    def _faces(self, frame):
        """The frame in grey and the boxes of the faces in it, the largest first."""
        from PIL import Image

        picture = Image.fromarray(frame).convert("L")
        grey, short = np.ascontiguousarray(picture), min(picture.size)
        shrink = max(1, short // 240)
        tries = [(shrink, 0)] if shrink > 1 else []
        tries += [(1, 0)] + [(1, 1)] * (short <= 320) + [(1, 2)] * (short <= 120)
        for factor, doubled in tries:
            small = grey if factor == 1 else np.ascontiguousarray(picture.reduce(factor))
            boxes = sorted(self._find(small, doubled), key=lambda box: -box.area())
            if boxes:
                return grey, [self._larger(box, factor) for box in boxes]
        return grey, []

    def _larger(self, box, factor: int):
        sides = (box.left(), box.top(), box.right(), box.bottom())
        return self._dlib.rectangle(*(factor * side for side in sides))


class MediaPipeDetector:
    """MediaPipe's Face Landmarker (478 points, 52 blendshapes) and Pose Landmarker (33 points).

    video        True: frames are one film; the face is tracked. False: each picture for itself.
    body_every   the pose is looked for in every n-th frame and interpolated between; 0: no body.
                 Without `video` it is looked for in every picture.
    """

    def __init__(self, *, video: bool = True, body_every: int = 5):
        self._mp = library("mediapipe", "mediapipe")
        self.video, self.body_every = video, body_every if video or not body_every else 1
        self._face_file = model_file("face_landmarker.task")
        self._pose_file = model_file("pose_landmarker_full.task") if body_every else None
        files = " ".join(digest_of(f) for f in (self._face_file, self._pose_file) if f)
        how = f"video={video} body_every={self.body_every}"
        self.fingerprint = f"mediapipe {self._mp.__version__} {files} {how}"

    def detect(self, frames: np.ndarray) -> Landmarks:
        return self.detect_all(frames)[0]

    def detect_all(self, frames: np.ndarray) -> tuple[Landmarks, Mesh]:
        """Landmarks and mesh of the same look at the frames."""
        frames = checked(frames)
        with ThreadPoolExecutor(2) as pool:
            face, body = pool.submit(self._faces, frames), pool.submit(self._bodies, frames)
            (points, shapes), body = face.result(), body.result()
        found = np.isfinite(points).all((1, 2))
        flat = points[..., :2]
        face, pupils = flat[:, mediapipe_map.FACE], flat[:, mediapipe_map.PUPILS]
        marks = Landmarks(points=face, found=found, body=body, pupils=pupils)
        return marks, Mesh(mesh=points[:, : mediapipe_map.SKIN], found=found, blendshapes=shapes)

    def _faces(self, frames):
        """All 478 points in pixels (T, 478, 3) and blendshapes (T, 52), NaN without a face."""
        count, height, width = frames.shape[:3]
        points = np.full((count, 478, 3), np.nan, np.float32)
        shapes = np.full((count, len(BLENDSHAPES)), np.nan, np.float32)
        with self._task("Face", self._face_file, output_face_blendshapes=True, num_faces=1) as task:
            for t, seen in self._look(task, frames, 1):
                for face in seen.face_landmarks[:1]:
                    points[t] = [(p.x * width, p.y * height, p.z * width) for p in face]
                    shapes[t] = [c.score for c in seen.face_blendshapes[0]]
        return points, shapes

    def _bodies(self, frames):
        """(T, 18, 3) in OpenPose's order."""
        if not self.body_every:
            return None
        count, height, width = frames.shape[:3]
        out, looked = np.zeros((count, JOINTS, 3), np.float32), np.arange(0, count, self.body_every)
        with self._task("Pose", self._pose_file) as task:
            for t, seen in self._look(task, frames, self.body_every):
                for body in seen.pose_landmarks[:1]:
                    raw = [(p.x * width, p.y * height, p.visibility) for p in body]
                    out[t] = _joints(np.array(raw, np.float32), width, height)
        return _between(out, looked)

    def _look(self, task, frames, every):
        for t in range(0, len(frames), every):
            image = self._mp.Image(image_format=self._mp.ImageFormat.SRGB, data=frames[t])
            yield t, task.detect_for_video(image, 33 * t) if self.video else task.detect(image)

    def _task(self, kind, path, **more):
        from mediapipe.tasks.python import BaseOptions, vision

        mode = vision.RunningMode.VIDEO if self.video else vision.RunningMode.IMAGE
        options = getattr(vision, f"{kind}LandmarkerOptions")(
            base_options=BaseOptions(model_asset_path=str(path)), running_mode=mode, **more
        )
        return getattr(vision, f"{kind}Landmarker").create_from_options(options)


def _joints(raw: np.ndarray, width: int, height: int) -> np.ndarray:
    """MediaPipe's points (33, 3) as 18 joints; a guessed or outside one is (0, 0, 0)."""
    out = raw[mediapipe_map.BODY].copy()
    shoulders = raw[mediapipe_map.SHOULDERS]
    out[1] = *shoulders[:, :2].mean(0), shoulders[:, 2].min()
    inside = (out[:, 0] >= 0) & (out[:, 0] < width) & (out[:, 1] >= 0) & (out[:, 1] < height)
    out[~inside | (out[:, 2] < SEEN)] = 0
    return out


def _between(body: np.ndarray, looked: np.ndarray) -> np.ndarray:
    """Frames between two that were looked at, linear in time where a joint is seen in both."""
    for start, stop in zip(looked, [*looked[1:], len(body)]):
        after = body[stop] if stop < len(body) else body[start]
        both = (body[start, :, 2] > 0) & (after[:, 2] > 0)
        for t in range(start + 1, stop):
            share = (t - start) / (stop - start)
            body[t, both] = ((1 - share) * body[start] + share * after)[both]
    return body


class SimulatorDetector:
    """The truth of a simulated film: what a perfect detector would say.

    film   emolib.data.sim.face.Faces, one per frame, in square pictures. A face of which less than
           half is inside is not found. The mesh has the simulator's own order.
    """

    fingerprint = "simulator truth 1"

    def __init__(self, film):
        self.film = film

    def detect(self, frames: np.ndarray) -> Landmarks:
        from emolib.data.sim import face

        size = self._size(frames)  # the points alone: a tenth of what the mesh costs
        return self._marks(face.points(self.film, size).astype(np.float32), size)

    def detect_all(self, frames: np.ndarray) -> tuple[Landmarks, Mesh]:
        from emolib.data.sim import face

        size = self._size(frames)
        skin = face.mesh(self.film, size).astype(np.float32)
        marks = self._marks(skin[:, :POINTS, :2], size)
        skin[~marks.found] = np.nan
        return marks, Mesh(mesh=skin, found=marks.found, blendshapes=None)

    def _size(self, frames: np.ndarray) -> int:
        """Pixels of a side of these frames; an error where they are not those of the film."""
        frames = checked(frames)
        if len(frames) != len(self.film) or frames.shape[1] != frames.shape[2]:
            raise EmolibError(
                f"simulator truth: a film of {len(self.film)} faces in square pictures was "
                f"announced, but frames are {frames.shape}"
            )
        return frames.shape[1]

    def _marks(self, points: np.ndarray, size: int) -> Landmarks:
        """The 68 points (T, 68, 2) as landmarks, with the body."""
        from emolib.data.sim import face

        body = face.body(self.film, size).astype(np.float32)
        found = ((points >= 0) & (points < size)).all(-1).mean(1) >= 0.5
        body[~found] = 0
        points = np.where(found[:, None, None], points, np.float32(np.nan))
        return Landmarks(points=points, found=found, body=body)
