"""Face and body points of a video, whoever found them: one container, gaps, crops.

Orgil's features are 70 face points and 18 body points of OpenPose and a 224 x 224 crop of the face
(orgil2021, section 3.2). Other detectors give 68 points; the irises or the middles of the eyes'
outlines are then the pupils.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from emolib.ground.errors import EmolibError, nearest

POINTS, JOINTS = 68, 18
EYES = (slice(36, 42), slice(42, 48))  # the subject's right (left in the picture), then left
GAPS = ("mark", "interpolate", "zero")
CROPPED = 32  # frames per batch of `crops`: 120 MB of 640 x 480 pictures as float32


@dataclass(frozen=True, kw_only=True)
class Landmarks:
    """Points of T frames in pixels, x right and y down.

    points   (T, 68, 2) float32, NaN where no face was found
    found    (T,) bool: was a face found in this frame? `filled` leaves it as it is
    body     (T, 18, 3) float32 x, y, confidence in OpenPose's order; (0, 0, 0) for an unseen joint
    pupils   (T, 2, 2) float32, the subject's right eye first
    body and pupils are None where the detector gives none.
    """

    points: np.ndarray
    found: np.ndarray
    body: np.ndarray | None = None
    pupils: np.ndarray | None = None

    def __post_init__(self):
        count = len(self.points)
        shapes = {"points": (POINTS, 2), "body": (JOINTS, 3), "pupils": (2, 2), "found": ()}
        for name, shape in shapes.items():
            value = getattr(self, name)
            if value is None and name in ("body", "pupils"):
                continue
            value = np.asarray(value, bool if name == "found" else np.float32)
            if value.shape != (count, *shape):
                raise EmolibError(
                    f"landmarks: `{name}` has shape {value.shape}, expected {(count, *shape)}"
                )
            object.__setattr__(self, name, value)
        bad = np.flatnonzero(self.found & ~np.isfinite(self.points).all((1, 2)))
        if bad.size:
            raise EmolibError(
                f"landmarks: frame {bad[0]} counts as found but has a point that is not finite"
            )

    def __len__(self) -> int:
        return len(self.points)

    @property
    def box(self) -> np.ndarray:
        """(T, 4) float32: left, top, right, bottom of the points, as orgil takes its face box."""
        return np.concatenate([self.points.min(1), self.points.max(1)], 1)

    @property
    def seventy(self) -> np.ndarray:
        """(T, 70, 2): OpenPose's order, the 68 points and the two pupils."""
        pupils = self.pupils
        if pupils is None:
            pupils = np.stack([self.points[:, eye].mean(1) for eye in EYES], 1)
        return np.concatenate([self.points, pupils], 1)


@runtime_checkable
class Detector(Protocol):
    """Anything that finds points: dlib, MediaPipe, the simulator (emolib.features.detectors)."""

    fingerprint: str  # names the method, its version and its model files

    def detect(self, frames: np.ndarray) -> Landmarks:
        """`frames` uint8 (T, H, W, 3) of one film, or unrelated pictures."""


def checked(frames: np.ndarray) -> np.ndarray:
    """`frames` as C-contiguous uint8 (T, H, W, 3); grey is repeated in three channels."""
    if frames.ndim == 3 and frames.dtype == np.uint8:
        frames = np.repeat(frames[..., None], 3, -1)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3:
        raise EmolibError(
            f"frames are {frames.dtype} {frames.shape}, expected uint8 (T, H, W, 3) or (T, H, W)"
        )
    return np.ascontiguousarray(frames)  # dlib and MediaPipe read memory row by row


def joined(parts: list[Landmarks]) -> Landmarks:
    """Parts of one film as one; a body or pupils must be in all of them or in none."""
    whole = {}
    for name in ("points", "found", "body", "pupils"):
        values = [getattr(part, name) for part in parts]
        whole[name] = None if values[0] is None else np.concatenate(values)
    return Landmarks(**whole)


def filled(landmarks: Landmarks, how: str = "mark") -> Landmarks:
    """The same film with its gaps (frames without a face, joints of confidence 0) filled.

    how   'mark': NaN. 'zero': 0. 'interpolate': linear in time, the nearest one before the first
          and after the last; joints that are never seen stay 0.
    `found` and the confidence stay: what was made up remains visible.
    Raises EmolibError for an unknown `how`, and for 'interpolate' on a film without any face.
    """
    if how not in GAPS:
        raise nearest(how, GAPS, what="way to fill gaps")
    seen = landmarks.found
    if how == "interpolate" and len(seen) and not seen.any():
        raise EmolibError(
            f"no face in any of {len(seen)} frames: nothing to interpolate from; "
            "use 'mark' or 'zero', or leave the film out"
        )
    out = {"points": _fill(landmarks.points, seen, how)}
    if landmarks.pupils is not None:
        out["pupils"] = _fill(landmarks.pupils, seen, how)
    if landmarks.body is not None:
        out["body"] = body = landmarks.body.copy()
        for joint in range(JOINTS):
            visible = body[:, joint, 2] > 0
            if how != "interpolate" or visible.any():
                body[:, joint, :2] = _fill(body[:, joint, :2], visible, how)
    return replace(landmarks, **out)


def _fill(values: np.ndarray, seen: np.ndarray, how: str) -> np.ndarray:
    """(T, ...) with the rows that are not `seen` replaced."""
    out = values.copy()
    if how != "interpolate":
        out[~seen] = np.nan if how == "mark" else 0.0
        return out
    flat, at = out.reshape(len(out), -1), np.flatnonzero(seen)
    for column in range(flat.shape[1]):
        flat[~seen, column] = np.interp(np.flatnonzero(~seen), at, flat[at, column])
    return out


def scaled(landmarks: Landmarks, height: int, width: int) -> tuple[np.ndarray, np.ndarray | None]:
    """(T, 140) face and (T, 36) body coordinates in [0, 1] of the picture, float32: x0, y0, x1 ...

    Points outside are moved to the border; NaN stays NaN; no body without a detector of it.
    """
    size = np.array([width, height], np.float32)
    face = np.clip(landmarks.seventy / size, 0, 1).reshape(len(landmarks), 2 * (POINTS + 2))
    if landmarks.body is None:
        return face, None
    return face, np.clip(landmarks.body[..., :2] / size, 0, 1).reshape(len(landmarks), 2 * JOINTS)


def crops(frames: np.ndarray, box: np.ndarray, margin: float = 5, size: int = 224) -> np.ndarray:
    """The face in each frame: uint8 (T, size, size, 3), or (T, size, size) of grey frames.

    frames   uint8 (T, H, W, 3) or grey (T, H, W)
    box      (T, 4) left, top, right, bottom in pixels; it is stretched to the square
    margin   pixels by which the box grows on each side (5 in orgil2021, 3.2), up to the border
    Raises EmolibError for a frame without a box or with one that misses the picture.
    """
    from torchvision.ops import roi_align  # torchvision brings a compiler along: two seconds

    if frames.ndim == 3 and frames.dtype == np.uint8:
        return crops(frames[..., None], box, margin, size)[..., 0]
    if frames.shape[-1] != 1:
        frames = checked(frames)
    count, height, width, channels = frames.shape
    box = np.asarray(box, np.float32)
    if box.shape != (count, 4):
        raise EmolibError(
            f"crops: {count} frames but boxes of shape {box.shape}, expected ({count}, 4)"
        )
    grown = box + np.array([-margin, -margin, margin, margin], np.float32)
    cut = np.clip(grown, 0, np.array([width, height] * 2, np.float32))
    inside = (cut[:, 2] - cut[:, 0] >= 1) & (cut[:, 3] - cut[:, 1] >= 1)
    bad = np.flatnonzero(~(np.isfinite(box).all(1) & inside))
    if bad.size:
        raise EmolibError(
            f"crops: frame {bad[0]} has the box {box[bad[0]].tolist()}, expected one inside "
            f"{width} x {height}; crop only frames with a face, or fill the gaps first"
        )
    out = np.empty((count, size, size, channels), np.uint8)
    with torch.inference_mode():
        for start in range(0, count, CROPPED):
            rows = slice(start, start + CROPPED)
            part = torch.from_numpy(frames[rows]).permute(0, 3, 1, 2).float()  # (b, C, H, W)
            number = torch.arange(len(part), dtype=torch.float32)[:, None]
            where = torch.cat([number, torch.from_numpy(cut[rows])], 1)  # (b, 5)
            faces = roi_align(part, where, size, aligned=True)  # (b, C, size, size)
            out[rows] = faces.round().clamp(0, 255).permute(0, 2, 3, 1).byte().numpy()
    return out
