"""Simulated sets of clips: RAVDESS, CREMA-D, ADFES, speakers to identify. Rendered when asked for.

Each clip is a function of a few numbers; nothing is drawn or spoken before `frames[i]()` or
`waveform[i]()` is called, and both give the same bytes every time.
"""

from functools import partial
from itertools import product

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.data.sim import affect, face, voice
from emolib.data.sim.dials import Dials, displays, noisy, posterior, taken_for
from emolib.data.sim.shift import shifted
from emolib.data.sim.streams import stream
from emolib.ground.containers import ClipSet

# fmt: off
RAVDESS = ("neutral", "calm", "happy", "sad", "angry", "fear", "disgust", "surprise")  # codes 1-8
CREMA = {
    "ANG": "angry", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad"
}
CREMA_SENTENCES = (
    "DFA", "IOM", "IWL", "IWW", "ITH", "ITS", "TSI", "TAI", "TIE", "MTI", "WSI", "IEO"
)
ADFES = {
    "happy": "Joy", "angry": "Anger", "fear": "Fear", "disgust": "Disgust", "surprise": "Surprise",
    "sad": "Sadness", "contempt": "Contempt", "pride": "Pride", "embarrassment": "Embarrass",
    "neutral": "Neutral",
}
USED = (
    "fuzz_face", "fuzz_voice", "complementarity", "coupling", "mismatched", "missing_face",
    "missing_voice", "label_noise", "overlap", "shift",
)
# fmt: on
SECONDS, FPS, RATE = 3.5, 30.0, 16_000
LOOK = 0.08  # error of a point, in widths across the eyes: as many faces are named as by pixels
# Voice: a linear classifier scores here about what it scores on RAVDESS's recordings (DATASHEET).
# Face: ours, no real film was at hand; one on aligned pixels lands in the middle of 40 to 85 %.
CLIPS = Dials(fuzz_face=0.15, fuzz_voice=0.28, label_noise=0.0)
# Posed in a studio: others name 92 to 95 of 100 real pictures right (yin2022, Table 4).
POSED = Dials(fuzz_face=0.06, label_noise=0.0)


def _sound(seed, people, actor, sentence, emotion, intensity, take, mute) -> np.ndarray:
    """One waveform, float32 (56000,)."""
    who = voice.speakers(seed, people)[actor]
    spoken = voice.speak(who, sentence, emotion, intensity=intensity, seed=seed, take=take)
    return np.zeros_like(spoken) if mute else spoken


def _video(film, size, at=slice(None)) -> np.ndarray:
    """The film drawn, uint8 (T, size, size, 3), or its frames `at`; `film()` gives its T faces."""
    crowd = film().take(at)
    return face.render(crowd.pictured(blur=crowd.scene["blur"] * size / 48), size)


def film(world: ClipSet, clip: int) -> face.Faces:
    """The faces behind a simulated clip, frame by frame, not drawn."""
    return world.frames[clip].args[0]()


def drawn(world: ClipSet, clip: int, at) -> np.ndarray:
    """Some frames of a simulated clip, `world.frames[clip]()[at]`, without drawing the others."""
    return _video(*world.frames[clip].args, at)


def _film(
    seed, people, actor, emotion, strength, take, talks, dials, seconds, fps, held=False, span=1.0
) -> face.Faces:
    """One film as T faces: expression under an envelope, speech on the mouth, a head that sways.

    What is said has nothing to do with the emotion; `dials.missing_face` of the frames show nobody.
    """
    count, rng = int(seconds * fps), stream(seed, "film", take)
    shown = affect.prototypes(seed, dials.overlap)[EMOTIONS.index(emotion)]
    units = np.clip(shown * (1 + 0.12 * rng.standard_normal(len(shown))) * strength, 0, 1)
    units = affect.envelope(count, fps, rng, held=held)[:, None] * units  # (T, 19)
    if talks is not None:
        who = voice.speakers(seed, people)[actor]
        jaw = voice.jaw(who, talks, "neutral", intensity=0.0, seed=seed, take=take)
        jaw = np.interp(np.arange(count) / fps, np.arange(len(jaw)) * 200 / RATE, jaw)
        for unit, share in ((25, 0.55), (26, 0.40)):
            at = face.UNITS.index(unit)
            units[:, at] = np.clip(np.maximum(units[:, at], share * jaw), 0, 1)
    lids = face.UNITS.index(43)
    units[:, lids] = np.maximum(units[:, lids], _blinks(count, fps, rng))
    sway = np.cumsum(rng.standard_normal((count, 3)), 0) / np.sqrt(fps)
    scene = np.repeat(face.pictures(seed + 7, take + 1)[take : take + 1], count)
    for k, name in enumerate(("yaw", "pitch", "roll")):
        scene[name] = np.clip(scene[name] + 2.0 * sway[:, k], -25, 25)
    scene["grain_u"] = rng.random(count)
    scene["span"] = scene["span"] * span
    gone = rng.random(count) < dials.missing_face
    scene["cx"] = np.where(gone, 6.0, scene["cx"])  # stepped out of the picture
    person = np.repeat(face.people(seed + 5, people)[actor : actor + 1], count)
    # blur as at 48 pixels; `_video` scales it
    return shifted(face.Faces(person, scene, units), dials.shift, 48)


def _looks(seed, people, plan, units) -> np.ndarray:
    """What a quick look at each clip's apex, units (N, 19), tells: its 68 points, (N, 136)."""
    person = face.people(seed + 5, people)[plan["actor"].to_numpy()]
    points = face.points(face.Faces(person, face.pictures(seed + 7, len(plan)), units), 1)
    across = np.ptp(points[:, 36:48, 0], axis=1)[:, None, None]  # eye corner to eye corner
    points = (points - points[:, 36:48].mean(1, keepdims=True)) / across
    noise = stream(seed, "display", "looks").standard_normal(points.shape)
    return (points + LOOK * noise).reshape(len(points), -1)


def _blinks(count, fps, rng) -> np.ndarray:
    """Eyelids over time, (count,): a blink of 0.2 s about every four seconds."""
    time, out = np.arange(count) / fps, np.zeros(count)
    for at in rng.uniform(0, count / fps, rng.poisson(count / fps / 4)):
        out = np.maximum(out, np.clip(1 - np.abs(time - at) / 0.1, 0, 1))
    return out


def _clips(name, seed, plan, people, dials, modality, size, talks=True) -> ClipSet:
    """Clips of a plan (actor, emotion, sentence, strength, image, subject), spoken and filmed."""
    dials.only(name, *USED)
    kinds = sorted(set(plan["emotion"]), key=EMOTIONS.index)
    index = plan["emotion"].map(kinds.index).to_numpy()

    def read(face_: np.ndarray) -> np.ndarray:
        shown = affect.prototypes(seed, dials.overlap)[[EMOTIONS.index(k) for k in kinds]][face_]
        units = np.clip(0.7 * plan["strength"].to_numpy()[:, None] * shown, 0, 1)
        looks = _looks(seed, people, plan, units)
        return taken_for(seed, posterior(looks, face_, plan["actor"].to_numpy()))

    show = displays(seed, index, len(kinds), dials, read)
    mute = stream(seed, name, "mute").random(len(plan)) < dials.missing_voice
    frames, sound, content = [], [], []
    for i, row in enumerate(plan.itertuples()):
        heard, loud = kinds[show["voice"][i]], row.strength * show["voice_gain"][i]
        said = seed, people, row.actor, row.sentence, heard, loud, i, mute[i]
        sound.append(partial(_sound, *said))
        seen, strength = kinds[show["face"][i]], 0.7 * row.strength * show["face_gain"][i]
        acted = seed, people, row.actor, seen, min(1.0, strength), i
        film = partial(_film, *acted, row.sentence if talks else None, dials, SECONDS, FPS)
        frames.append(partial(_video, film, size))
        content.append(f"{name}:{seed}:{i}:{dials}:{size}{'' if talks else ':silent'}")
    label = noisy(seed, index, len(kinds), dials.label_noise, name)
    return ClipSet(
        name=name,
        label=np.array([EMOTIONS.index(k) for k in kinds])[label],
        subject=plan["subject"].to_numpy(),
        split=[""] * len(plan),
        meta=plan.assign(swapped=show["swapped"]),
        content=content,
        frames=frames if "v" in modality else None,
        waveform=sound if "a" in modality else None,
        fps=FPS,
        rate=RATE,
    )


def ravdess(
    seed: int = 0,
    actors: int = 24,
    *,
    modality: str = "av",
    size: int = 160,
    talks: bool = True,
    dials: Dials = CLIPS,
) -> ClipSet:
    """A stand-in for RAVDESS speech: actors x 60 clips (neutral 4, the other seven 8 each), 3.5 s.

    talks      False: the mouth does not speak and shows the emotion only
    modality   'a', 'v' or 'av'; names in meta.image begin 03 (sound), 02 (pictures) or 01 (both)
    """
    kind, rows = {"a": "03", "v": "02", "av": "01"}[modality], []
    for a, (c, e), k, s, r in product(range(actors), enumerate(RAVDESS, 1), *[range(2)] * 3):
        if e == "neutral" and k:
            continue
        row = {"actor": a, "emotion": e, "sentence": s, "strength": 1.0 + 0.6 * k}
        row["image"] = f"{kind}-01-{c:02d}-{k + 1:02d}-{s + 1:02d}-{r + 1:02d}-{a + 1:02d}"
        row |= {"subject": f"Actor_{a + 1:02d}", "code": c, "intensity": k + 1, "repetition": r + 1}
        rows.append(row)
    return _clips("ravdess", seed, pd.DataFrame(rows), actors, dials, modality, size, talks)


def crema_d(
    seed: int = 0, actors: int = 91, *, modality: str = "av", size: int = 160, dials: Dials = CLIPS
) -> ClipSet:
    """A stand-in for CREMA-D: 82 clips an actor less 20 (7,442 at 91 actors), six emotions.

    One sentence comes at level LO, MD and HI; the twelve are spoken with this simulator's two.
    """
    rows = []
    for a, (s, sentence), code in product(range(actors), enumerate(CREMA_SENTENCES), CREMA):
        levels = {"XX": 1.0}
        if sentence == "IEO" and code != "NEU":
            levels = {"LO": 0.6, "MD": 1.0, "HI": 1.5}
        for level, strength in levels.items():
            row = {"actor": a, "emotion": CREMA[code], "sentence": s % 2, "strength": strength}
            row |= {"image": f"{1001 + a}_{sentence}_{code}_{level}", "subject": f"{1001 + a}"}
            rows.append(row | {"code": code, "statement": sentence, "level": level})
    plan = pd.DataFrame(rows)
    if actors == 91:
        lost = stream(seed, "crema_d", "lost").choice(len(plan), 20, replace=False)
        plan = plan.drop(index=lost).reset_index(drop=True)
    return _clips("crema_d", seed, plan, actors, dials, modality, size)


def adfes(
    seed: int = 0,
    models: int = 22,
    *,
    size: int = 96,
    seconds: float = 6.0,
    span: float = 1.0,
    dials: Dials = POSED,
) -> ClipSet:
    """A stand-in for ADFES: 216 silent front films (22 models x 10 emotions less 4).

    25 frames a second, from a neutral face to the apex as the real ones (Wingenbach et al. 2016).
    span   width of the picture in units of a portrait's: 0.6 is a close-up
    """
    dials.only("adfes", "fuzz_face", "missing_face", "overlap", "shift")
    plan = list(product(range(models), ADFES))
    if models == 22:
        lost = stream(seed, "adfes", "lost").choice(len(plan), 4, replace=False)
        plan = [clip for i, clip in enumerate(plan) if i not in lost]
    kinds = list(ADFES)
    show = displays(seed, np.array([kinds.index(e) for _, e in plan]), len(kinds), dials)
    people = [f"{'F' if m < 10 else 'M'}{m + 1:02d}" for m, _ in plan]
    frames, content = [], []
    for i, (m, _) in enumerate(plan):
        seen, strength = kinds[show["face"][i]], min(1.0, 0.9 * show["face_gain"][i])
        acted = seed + 11, models, m, seen, strength, i, None, dials, seconds, 25.0, True, span
        frames.append(partial(_video, partial(_film, *acted), size))
        content.append(f"adfes:{seed}:{i}:{dials}:{size}:{seconds}:{span}:held")
    names = [f"{who}-{ADFES[e]}-Face Forward.mp4" for who, (_, e) in zip(people, plan)]
    return ClipSet(
        name="adfes",
        label=np.array([EMOTIONS.index(e) for _, e in plan]),
        split=[""] * len(plan),
        subject=np.array(people),
        meta=pd.DataFrame({"image": names}),
        frames=frames,
        content=content,
        fps=25.0,
    )


def speakers(seed: int = 0, count: int = 100, each: int = 20) -> ClipSet:
    """Voices to identify: `count` speakers, `each` clips of 3.5 s in any emotion."""
    who, sound = np.repeat(np.arange(count), each), []
    emotion = stream(seed, "speakers", "emotion").integers(0, len(RAVDESS), count * each)
    for i, (w, e) in enumerate(zip(who, emotion)):
        sound.append(partial(_sound, seed + 13, count, w, i % 2, RAVDESS[e], 0.6, i, False))
    names = tuple(f"id{10001 + i}" for i in range(count))
    return ClipSet(
        name="speakers",
        label=who,
        classes=names,
        subject=np.array(names)[who],
        waveform=sound,
        rate=RATE,
        split=np.where(np.tile(np.arange(each), count) < 0.8 * each, "train", "test"),
        content=[f"speakers:{seed}:{i}" for i in range(len(who))],
    )
