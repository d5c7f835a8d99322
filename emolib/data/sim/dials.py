"""The dials of a world: what decides how hard it is, each with a random stream of its own.

Frozen before methods are compared. From real data are set the voice's (`clip_sets.CLIPS`) and the
roughness (`affect`).
Which modality is stronger, which emotions confuse and how large a leak is are *choices* here: no
claim about them may be decided on simulated data.
"""

from collections.abc import Callable
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
    fer2013   label_noise, overlap; leak and shift in its two test splits
    rafd      overlap, and shift in every picture: the target set of networks trained on CK+
    ckplus    overlap; it is the source set, so shift is its neighbour's
    vggface   overlap, and shift in its test split
    adfes     fuzz_face, missing_face, overlap, and shift in every film
    ravdess, crema_d   fuzz_face, fuzz_voice, complementarity, coupling, mismatched, missing_face,
              missing_voice, label_noise, overlap, and shift in every film
    aff_wild  roughness; its rendered kind also missing_face and overlap
    leak needs people who are drawn picture by picture, as only fer2013's are.
    """

    fuzz_face: float = _dial(0.30, "share of samples whose face shows another emotion")
    fuzz_voice: float = _dial(0.40, "the same for the voice")
    complementarity: float = _dial(
        0.5, "0: voices repeat what faces are taken for, joining adds nothing; 1: never both fail"
    )
    coupling: float = _dial(0.3, "correlation of the two modalities' strength, given the class")
    mismatched: float = _dial(0.0, "share of clips whose voice comes from another class's clip")
    missing_face: float = _dial(0.03, "share of frames without a face")
    missing_voice: float = _dial(0.0, "share of clips without sound")
    label_noise: float = _dial(0.05, "share of labels replaced by another class")
    roughness: float = _dial(
        0.3, "of the annotation: share of the time a joystick rests before it catches up, in a jump"
    )
    overlap: float = _dial(0.2, "how far each prototype is pulled towards a random other one")
    leak: float = _dial(
        0.0, "share of test pictures that show a person of the training part, relit (identity leak)"
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


def posterior(evidence: np.ndarray, label: np.ndarray, people: np.ndarray) -> np.ndarray:
    """How likely each class is to somebody who learnt from the other people: (N, C), rows sum to 1.

    Linear discriminants on evidence (N, D) of classes `label` (N,), each person left out in turn.
    """
    classes = int(label.max()) + 1
    x = (evidence - evidence.mean(0)) / (evidence.std(0) + 1e-9)
    score = np.empty((len(x), classes))
    for person in np.unique(people):
        own = people == person
        mean = np.stack([x[~own & (label == c)].mean(0) for c in range(classes)])  # (C, D)
        spread = np.cov((x - mean[label])[~own].T)
        spread = 0.8 * spread + 0.2 * np.trace(spread) / len(spread) * np.eye(len(spread))
        weight = np.linalg.solve(spread, mean.T)  # (D, C)
        score[own] = x[own] @ weight - 0.5 * (mean.T * weight).sum(0)
    likely = np.exp(score - score.max(1, keepdims=True))
    return likely / likely.sum(1, keepdims=True)


def taken_for(seed: int, likely: np.ndarray) -> np.ndarray:
    """A class (N,) for each row of `likely` (N, C), drawn with these chances."""
    u = stream(seed, "display", "taken for").random((len(likely), 1))
    return np.minimum((likely.cumsum(1) < u).sum(1), likely.shape[1] - 1)


def displays(
    seed: int,
    label: np.ndarray,
    classes: int,
    dials: Dials,
    read: Callable[[np.ndarray], np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """What each modality shows for samples of class `label` (N,), 0 to `classes` - 1.

    read   the classes (N,) that faces show -> those they are taken for (`taken_for`); None: nobody
           looks at pictures or sound, and what is shown is known
    Returns face, voice: the class shown; face_gain, voice_gain: strength about 1; swapped: True
    where the voice belongs to another clip's class.

    With complementarity 1 face and voice never fail together (as far as the shares allow); below it
    more and more samples fail together and in the same way, at 0 wherever one of them can.

    Of classes that are known nothing is gained by joining then. But two views of one clip, each
    with a noise of its own, are more than one. So with `read` and below 0.5 more and more voices,
    at 0 all of them, show what the face is taken for, and say nothing that the face does not (and
    little, where faces are hard to read: with a noise of its own no voice could be as good). Above
    0.5 only the ceiling rises: a network gains more if it can tell which of the two fails.
    """
    count = len(label)
    face_draw = stream(seed, "display", "face").random(count)
    wrong_face = _other(seed, label, classes, "display", "wrong")
    place = stream(seed, "display", "apart").random(count)
    apart, repeats = place < dials.complementarity, place > 2 * dials.complementarity
    other = _other(seed, label, classes, "display", "wrong voice")
    voice_draw = np.where(apart, 1 - face_draw, face_draw)
    wrong_voice = np.where(apart, other, wrong_face)
    face = np.where(face_draw < dials.fuzz_face, wrong_face, label)
    voice = np.where(voice_draw < dials.fuzz_voice, wrong_voice, label)
    if read is not None and repeats.any():
        known = read(face)
        lost = stream(seed, "display", "repeated").random(count) < dials.fuzz_voice
        repeated = np.where(lost, _other(seed, known, classes, "display", "repeated as"), known)
        voice = np.where(repeats, repeated, voice)
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
