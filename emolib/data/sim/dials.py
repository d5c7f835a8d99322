"""The dials of a world: what decides how hard it is, each with a random stream of its own.

Frozen before methods are compared. Only the voice's is set from real data (`clip_sets.CLIPS`).
Which modality is stronger, which emotions confuse and how large a leak is are *choices* here: no
claim about them may be decided on simulated data.
"""

from dataclasses import dataclass, field, fields

import numpy as np

from emolib.data.sim.streams import stream
from emolib.ground.errors import EmolibError


def _dial(default: float, turns: str) -> float:
    return field(default=default, metadata={"turns": turns})


@dataclass(frozen=True)
class Dials:
    """Every number in [0, 1]; turning one leaves the draws behind the others as they were.

    Where each acts (a world asked for any other raises, see `only`):
    fer2013   label_noise, overlap, leak, and shift in its two test splits
    rafd      overlap, and shift in every picture: the target set of networks trained on CK+
    ckplus    overlap; it is the source set, so shift is its neighbour's
    vggface   overlap, and shift in its test split
    adfes     fuzz_face, missing_face, overlap, and shift in every film
    ravdess, crema_d   fuzz_face, fuzz_voice, complementarity, coupling, mismatched, missing_face,
              missing_voice, label_noise, overlap, and shift in every film
    aff_wild  roughness; its rendered kind also missing_face and overlap
    leak needs people who are drawn picture by picture, as only fer2013's are.
    """

    fuzz_face: float = _dial(0.30, "share of samples whose face shows a neighbouring emotion")
    fuzz_voice: float = _dial(0.40, "the same for the voice")
    complementarity: float = _dial(
        0.5, "0: the same samples fail the same way in both, joint = best; 1: never both at once"
    )
    coupling: float = _dial(0.3, "correlation of the two modalities' strength, given the class")
    mismatched: float = _dial(0.0, "share of clips whose voice comes from another class's clip")
    missing_face: float = _dial(0.03, "share of frames without a face")
    missing_voice: float = _dial(0.0, "share of clips without sound")
    label_noise: float = _dial(0.05, "share of labels replaced by a neighbouring class")
    roughness: float = _dial(
        0.3, "of the valence-arousal annotation: steps and plateaus of a joystick"
    )
    overlap: float = _dial(0.2, "how far each prototype is pulled towards a random other one")
    leak: float = _dial(
        0.0, "share of pictures that show the person of another picture, relit (identity leak)"
    )
    shift: float = _dial(
        0.0, "change of light, blur, proportions and action-unit strength (sim/shift.py)"
    )

    def __post_init__(self):
        for f in fields(self):
            if not 0 <= getattr(self, f.name) <= 1:
                raise EmolibError(f"dial '{f.name}' is {getattr(self, f.name)}, expected 0 to 1")

    def only(self, world: str, *used: str) -> None:
        """Raise EmolibError if a dial unknown to `world` is at neither its default nor 0."""
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name not in used and value not in (0, f.default):
                raise EmolibError(
                    f"{world}: dial '{f.name}' is {value}, but means nothing there; "
                    f"it has {', '.join(used)}"
                )


def _other(seed: int, label: np.ndarray, classes: int, *names) -> np.ndarray:
    """For each of `label` (N,) another class, drawn from the stream of `names`."""
    return (label + stream(seed, *names).integers(1, classes, len(label))) % classes


def noisy(
    seed: int, label: np.ndarray, classes: int, share: float, what: str = "label"
) -> np.ndarray:
    """`label` with a share replaced by another class, (N,); a larger share only adds changes."""
    hit = stream(seed, "noise", what).random(len(label)) < share
    return np.where(hit, _other(seed, label, classes, "noise", what, "to"), label)


def displays(seed: int, label: np.ndarray, classes: int, dials: Dials) -> dict[str, np.ndarray]:
    """What each modality shows for samples of class `label` (N,), 0 to `classes` - 1.

    Returns face, voice: the class shown; face_gain, voice_gain: strength about 1; swapped: True
    where the voice belongs to another clip's class. With complementarity 0 the modality with the
    larger fuzz fails wherever the other does and in the same way, so that nothing is gained by
    joining them; with 1 they never fail together (as far as the shares allow).
    """
    count = len(label)
    face_draw = stream(seed, "display", "face").random(count)
    wrong_face = _other(seed, label, classes, "display", "wrong")
    apart = stream(seed, "display", "apart").random(count) < dials.complementarity
    other = _other(seed, label, classes, "display", "wrong voice")
    voice_draw = np.where(apart, 1 - face_draw, face_draw)
    wrong_voice = np.where(apart, other, wrong_face)
    face = np.where(face_draw < dials.fuzz_face, wrong_face, label)
    voice = np.where(voice_draw < dials.fuzz_voice, wrong_voice, label)
    swapped = stream(seed, "display", "swap").random(count) < dials.mismatched
    a, b = (stream(seed, "gain", m).standard_normal(count) for m in ("face", "voice"))
    b = dials.coupling * a + np.sqrt(1 - dials.coupling**2) * b
    return {
        "face": face,
        "voice": np.where(swapped, _other(seed, label, classes, "display", "swap to"), voice),
        "face_gain": np.exp(0.25 * a),
        "voice_gain": np.exp(0.25 * b),
        "swapped": swapped,
    }
