"""Simulated sets of clips: RAVDESS, CREMA-D, ADFES, speakers to identify. Rendered when asked for.

Each clip is a function of a few numbers; nothing is drawn or spoken before `frames[i]()` or
`waveform[i]()` is called, and both give the same bytes every time.
"""

from __future__ import annotations

import wave
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.data.sim import affect, face, voice
from emolib.data.sim.dials import Dials, displays, noisy
from emolib.data.sim.shift import shifted
from emolib.data.sim.streams import stream
from emolib.ground.containers import ClipSet

RAVDESS = (
    "neutral",
    "calm",
    "happy",
    "sad",
    "angry",
    "fear",
    "disgust",
    "surprise",
)  # codes 01 to 08
CREMA = {
    "ANG": "angry",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}
CREMA_SENTENCES = (
    "DFA",
    "IOM",
    "IWL",
    "IWW",
    "ITH",
    "ITS",
    "TSI",
    "TAI",
    "TIE",
    "MTI",
    "WSI",
    "IEO",
)
ADFES = {
    "happy": "Joy",
    "angry": "Anger",
    "fear": "Fear",
    "disgust": "Disgust",
    "surprise": "Surprise",
    "sad": "Sadness",
    "contempt": "Contempt",
    "pride": "Pride",
    "embarrassment": "Embarrass",
    "neutral": "Neutral",
}
SECONDS, FPS, RATE = 3.5, 30.0, 16_000
# Voice: a linear classifier scores here about what it scores on RAVDESS's recordings (DATASHEET, What was measured).
# Face: ours, no real film was at hand; a linear classifier on aligned pixels lands in the middle of 40 to 85 %.
CLIPS = Dials(fuzz_face=0.15, fuzz_voice=0.28, label_noise=0.0)
# Posed in a studio: on the real set others name 92 to 95 of 100 single pictures right (yin2022, Table 4).
POSED = Dials(fuzz_face=0.06, label_noise=0.0)


def _sound(seed, people, actor, sentence, emotion, intensity, take, mute) -> np.ndarray:
    """One waveform, float32 (56000,)."""
    wave_ = voice.speak(
        voice.speakers(seed, people)[actor],
        sentence,
        emotion,
        intensity=intensity,
        seed=seed,
        take=take,
        rate=RATE,
        seconds=SECONDS,
    )
    return np.zeros_like(wave_) if mute else wave_


def _video(film, size, at=slice(None)) -> np.ndarray:
    """The film drawn, uint8 (T, size, size, 3), or its frames `at`; `film` gives its T faces when called."""
    crowd = film().take(at)
    return face.render(crowd.pictured(blur=crowd.scene["blur"] * size / 48), size)


def film(world: ClipSet, clip: int) -> face.Faces:
    """The faces behind a simulated clip, frame by frame, not drawn: for what a detector should have said."""
    return world.frames[clip].args[0]()


def drawn(world: ClipSet, clip: int, at) -> np.ndarray:
    """Some frames of a simulated clip, `world.frames[clip]()[at]`, without drawing the others."""
    return _video(*world.frames[clip].args, at)


def _film(
    seed, people, actor, emotion, strength, take, talks, dials, seconds, fps, held=False, span=1.0
) -> face.Faces:
    """One film as T faces: expression under an envelope, speech on the mouth, a head that sways.

    The mouth's speech has nothing to do with the emotion; a share `dials.missing_face` of frames shows nobody.
    """
    count, rng = int(seconds * fps), stream(seed, "film", take)
    shown = affect.prototypes(seed, dials.overlap)[EMOTIONS.index(emotion)]
    units = np.clip(shown * (1 + 0.12 * rng.standard_normal(len(shown))) * strength, 0, 1)
    units = affect.envelope(count, fps, rng, held=held)[:, None] * units  # (T, 19)
    if talks is not None:
        opening = voice.jaw(
            voice.speakers(seed, people)[actor],
            talks,
            "neutral",
            intensity=0.0,
            seed=seed,
            take=take,
        )
        jaw = np.interp(np.arange(count) / fps, np.arange(len(opening)) * 200 / RATE, opening)
        for unit, share in ((25, 0.55), (26, 0.40)):
            at = face.UNITS.index(unit)
            units[:, at] = np.clip(np.maximum(units[:, at], share * jaw), 0, 1)
    units[:, face.UNITS.index(43)] = np.maximum(
        units[:, face.UNITS.index(43)], _blinks(count, fps, rng)
    )
    sway = np.cumsum(rng.standard_normal((count, 3)), 0) / np.sqrt(fps)
    base = face.pictures(seed + 7, take + 1, style="portrait")[take : take + 1]
    scene = np.repeat(base, count)
    for k, name in enumerate(("yaw", "pitch", "roll")):
        scene[name] = np.clip(scene[name] + 2.0 * sway[:, k], -25, 25)
    scene["grain_u"] = rng.random(count)
    scene["span"] = scene["span"] * span
    scene["cx"] = np.where(
        rng.random(count) < dials.missing_face, 6.0, scene["cx"]
    )  # stepped out of the picture
    who = np.repeat(face.people(seed + 5, people)[actor : actor + 1], count)
    return shifted(
        face.Faces(who, scene, units), dials.shift, 48
    )  # blur as at 48 pixels; `_video` scales it


def _blinks(count, fps, rng) -> np.ndarray:
    """Eyelids over time, (count,): a blink of 0.2 s about every four seconds."""
    time, out = np.arange(count) / fps, np.zeros(count)
    for at in rng.uniform(0, count / fps, rng.poisson(count / fps / 4)):
        out = np.maximum(out, np.clip(1 - np.abs(time - at) / 0.1, 0, 1))
    return out


def _clips(name, seed, plan, people, dials, modality, size, talks=True) -> ClipSet:
    """Clips of a plan (DataFrame: actor, emotion, sentence, strength, image), spoken and filmed; talks=False: filmed with a silent mouth."""
    dials.only(
        name,
        "fuzz_face",
        "fuzz_voice",
        "complementarity",
        "coupling",
        "mismatched",
        "missing_face",
        "missing_voice",
        "label_noise",
        "overlap",
        "shift",
    )
    kinds = sorted(set(plan["emotion"]), key=EMOTIONS.index)
    index = plan["emotion"].map(kinds.index).to_numpy()
    show = displays(seed, index, len(kinds), dials)
    mute = stream(seed, name, "mute").random(len(plan)) < dials.missing_voice
    frames, sound = [], []
    for i, row in enumerate(plan.itertuples()):
        sound.append(
            partial(
                _sound,
                seed,
                people,
                row.actor,
                row.sentence,
                kinds[show["voice"][i]],
                row.strength * show["voice_gain"][i],
                i,
                mute[i],
            )
        )
        film = partial(
            _film,
            seed,
            people,
            row.actor,
            kinds[show["face"][i]],
            min(1.0, 0.7 * row.strength * show["face_gain"][i]),
            i,
            row.sentence if talks else None,
            dials,
            SECONDS,
            FPS,
        )
        frames.append(partial(_video, film, size))
    label = np.array(
        [EMOTIONS.index(kinds[k]) for k in noisy(seed, index, len(kinds), dials.label_noise, name)]
    )
    return ClipSet(
        name=name,
        source="simulated",
        label=label,
        subject=plan["subject"].to_numpy(),
        split=np.full(len(plan), ""),
        meta=plan.assign(swapped=show["swapped"]),
        content=[
            f"{name}:{seed}:{i}:{dials}:{size}{'' if talks else ':silent'}"
            for i in range(len(plan))
        ],
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

    talks      False: the same films with a mouth that shows the emotion only and does not speak (what speech does to a face)
    modality   'a', 'v' or 'av'; names in meta.image begin 03 (audio only), 02 (video only) or 01 (both)
    """
    rows = [
        dict(
            actor=a,
            emotion=e,
            sentence=s,
            strength=1.0 + 0.6 * k,
            image=f"{ {'a': '03', 'v': '02', 'av': '01'}[modality] }-01-{c:02d}-{k + 1:02d}-{s + 1:02d}-{r + 1:02d}-{a + 1:02d}",
            subject=f"Actor_{a + 1:02d}",
            code=c,
            intensity=k + 1,
            repetition=r + 1,
        )
        for a in range(actors)
        for c, e in enumerate(RAVDESS, 1)
        for k in range(1 if e == "neutral" else 2)
        for s in range(2)
        for r in range(2)
    ]
    return _clips("ravdess", seed, pd.DataFrame(rows), actors, dials, modality, size, talks)


def crema_d(
    seed: int = 0, actors: int = 91, *, modality: str = "av", size: int = 160, dials: Dials = CLIPS
) -> ClipSet:
    """A stand-in for CREMA-D: 82 clips an actor less 20 (7,442 at 91 actors), six emotions; level LO, MD, HI for one sentence.

    Its twelve sentences are spoken with this simulator's two.
    """
    rows = []
    for a in range(actors):
        for s, sentence in enumerate(CREMA_SENTENCES):
            for code, e in CREMA.items():
                for level, strength in (
                    (("LO", 0.6), ("MD", 1.0), ("HI", 1.5))
                    if sentence == "IEO" and e != "neutral"
                    else (("XX", 1.0),)
                ):
                    rows.append(
                        dict(
                            actor=a,
                            emotion=e,
                            sentence=s % 2,
                            strength=strength,
                            image=f"{1001 + a}_{sentence}_{code}_{level}",
                            subject=f"{1001 + a}",
                            code=code,
                            statement=sentence,
                            level=level,
                        )
                    )
    plan = pd.DataFrame(rows)
    if actors == 91:
        plan = plan.drop(
            index=stream(seed, "crema_d", "lost").choice(len(plan), 20, replace=False)
        ).reset_index(drop=True)
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
    """A stand-in for ADFES: 216 front films (22 models x 10 emotions less 4), silent, 25 frames a second.

    A film begins with a neutral face and ends at the apex of the emotion, as the real ones do (Wingenbach et al. 2016).
    span   width of the picture in units of a portrait's: 0.6 is a close-up, whose face has as many pixels in a third of the picture
    """
    dials.only("adfes", "fuzz_face", "missing_face", "overlap", "shift")
    plan = [(m, e) for m in range(models) for e in ADFES]
    if models == 22:
        lost = set(stream(seed, "adfes", "lost").choice(len(plan), 4, replace=False))
        plan = [p for i, p in enumerate(plan) if i not in lost]
    kinds = list(ADFES)
    shown = displays(seed, np.array([kinds.index(e) for _, e in plan]), len(kinds), dials)
    films = [
        partial(
            _film,
            seed + 11,
            models,
            m,
            kinds[shown["face"][i]],
            min(1.0, 0.9 * shown["face_gain"][i]),
            i,
            None,
            dials,
            seconds,
            25.0,
            True,
            span,
        )
        for i, (m, _) in enumerate(plan)
    ]
    frames = [partial(_video, film, size) for film in films]
    sex = ["F" if m < 10 else "M" for m in range(models)]
    names = [f"{sex[m]}{m + 1:02d}-{ADFES[e]}-Face Forward.mp4" for m, e in plan]
    return ClipSet(
        name="adfes",
        source="simulated",
        label=np.array([EMOTIONS.index(e) for _, e in plan]),
        split=np.full(len(plan), ""),
        subject=np.array([f"{sex[m]}{m + 1:02d}" for m, _ in plan]),
        meta=pd.DataFrame({"image": names}),
        frames=frames,
        content=[
            f"adfes:{seed}:{i}:{dials}:{size}:{seconds}:{span}:held" for i in range(len(plan))
        ],
        fps=25.0,
    )


def speakers(seed: int = 0, count: int = 100, each: int = 20) -> ClipSet:
    """Voices to identify: `count` speakers, `each` clips of 3.5 s in any emotion."""
    rng = stream(seed, "speakers", "emotion")
    who, emotion = np.repeat(np.arange(count), each), rng.integers(0, len(RAVDESS), count * each)
    sound = [
        partial(_sound, seed + 13, count, w, i % 2, RAVDESS[e], 0.6, i, False)
        for i, (w, e) in enumerate(zip(who, emotion))
    ]
    names = tuple(f"id{10001 + i}" for i in range(count))
    return ClipSet(
        name="speakers",
        source="simulated",
        label=who,
        classes=names,
        subject=np.array(names)[who],
        waveform=sound,
        rate=RATE,
        split=np.where(np.tile(np.arange(each), count) < 0.8 * each, "train", "test"),
        content=[f"speakers:{seed}:{i}" for i in range(len(who))],
    )


# ---- files


def save_wav(path: Path, samples: np.ndarray, rate: int) -> Path:
    """16-bit mono PCM."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def save_mp4(
    path: Path, frames: np.ndarray, fps: float, samples: np.ndarray | None = None, rate: int = RATE
) -> Path:
    """H.264 video, AAC sound where given. Needs PyAV."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as file:
        video = file.add_stream("libx264", rate=int(fps), options={"crf": "18", "threads": "1"})
        video.height, video.width, video.pix_fmt = frames.shape[1], frames.shape[2], "yuv420p"
        sound = file.add_stream("aac", rate=rate, layout="mono") if samples is not None else None
        for image in frames:
            rgb = np.ascontiguousarray(
                image if image.ndim == 3 else np.repeat(image[..., None], 3, -1)
            )
            file.mux(video.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        file.mux(video.encode())
        if sound is not None:
            for start in range(0, len(samples), 1024):
                block = av.AudioFrame.from_ndarray(
                    samples[None, start : start + 1024].astype(np.float32),
                    format="fltp",
                    layout="mono",
                )
                block.sample_rate, block.pts = rate, start
                file.mux(sound.encode(block))
            file.mux(sound.encode())
    return path


def _write_clip(world, i, stem: Path) -> Path:
    samples = world.waveform[i]() if world.waveform is not None else None
    if world.frames is None:
        return save_wav(stem.with_suffix(".wav"), samples, world.rate)
    return save_mp4(
        stem.with_suffix(".mp4"), world.frames[i](), world.fps, samples, world.rate or RATE
    )


def write_ravdess(world: ClipSet, folder: Path) -> list[Path]:
    """`ravdess/Actor_01/03-01-01-01-01-01-01.wav` (.mp4 with pictures)."""
    return [
        _write_clip(world, i, Path(folder) / "ravdess" / s / n)
        for i, (s, n) in enumerate(zip(world.subject, world.meta["image"]))
    ]


def write_crema_d(world: ClipSet, folder: Path) -> list[Path]:
    """`crema_d/AudioWAV/1001_DFA_ANG_XX.wav`, with pictures `crema_d/VideoMP4/....mp4`."""
    place = Path(folder) / "crema_d" / ("AudioWAV" if world.frames is None else "VideoMP4")
    return [_write_clip(world, i, place / n) for i, n in enumerate(world.meta["image"])]


def write_adfes(world: ClipSet, folder: Path) -> list[Path]:
    """`adfes/F01-Joy-Face Forward.mp4` and so on."""
    return [
        _write_clip(world, i, Path(folder) / "adfes" / Path(n).stem)
        for i, n in enumerate(world.meta["image"])
    ]


def write_speakers(world: ClipSet, folder: Path) -> list[Path]:
    """`speakers/wav/id10001/00000.wav`, as VoxCeleb ships."""
    return [
        _write_clip(world, i, Path(folder) / "speakers" / "wav" / s / f"{i:05d}")
        for i, s in enumerate(world.subject)
    ]
