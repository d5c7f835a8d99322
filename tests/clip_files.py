"""Small files for the tests of clips and tracks, made in a moment: no face is drawn and no voice spoken."""

import json
import struct
import wave
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import sim_files
from sim_files import save_mp4, save_wav

from emolib.data.sim import worlds

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 139608\n"


def tone(which=0, seconds=0.5, rate=16_000):
    """float32 (samples,): two partials, another pair for each `which`."""
    time = np.arange(round(seconds * rate)) / rate
    return (
        0.4 * np.sin(2 * np.pi * (220 + 40 * which) * time)
        + 0.2 * np.sin(2 * np.pi * (950 + 70 * which) * time)
    ).astype(np.float32)


def pattern(which=0, count=30, size=32, grey=False):
    """uint8 (count, size, size[, 3]): a soft wave that moves, another for each `which`."""
    t, y, x = np.meshgrid(np.arange(count), np.arange(size), np.arange(size), indexing="ij")
    wave_ = 128 + 90 * np.sin((x + y * (1 + which % 3) + 2 * t) / 9 + which)
    return (
        wave_.astype(np.uint8)
        if grey
        else np.stack([wave_, 0.9 * wave_ + 10 * (which % 3), 0.8 * wave_], -1).astype(np.uint8)
    )


def light(world):
    """`world` with tones and patterns in place of its voices and faces; names, labels and files stay."""
    count = range(len(world))
    return replace(
        world,
        waveform=[partial(tone, i) for i in count] if world.waveform else None,
        frames=[partial(pattern, i) for i in count] if world.frames else None,
    )


def save_flac(path, samples, rate=16_000):
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(str(path), samples, rate, subtype="PCM_16")
    return path


def save_float_wav(path, samples, rate=16_000):
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(str(path), samples, rate, subtype="FLOAT")
    return path


def save_stereo(path, left, right, rate=16_000):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(np.stack([left, right], 1) * 32767).astype("<i2").tobytes())
    return path


def save_film(path, which=0, count=30, size=32, fps=30.0, sound=False, codec="libx264", **options):
    """A film in any container that PyAV writes; count 0 gives a track without a frame."""
    import av

    if codec == "libx264" and count and not options:
        return save_mp4(
            Path(path),
            pattern(which, count, size),
            fps,
            tone(which, count / fps) if sound else None,
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options=options) as film:
        track = film.add_stream(codec, rate=int(fps))
        track.height, track.width, track.pix_fmt = size, size, "yuv420p"
        film.start_encoding()
        for picture in pattern(which, count, size):
            film.mux(track.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        if count:
            film.mux(track.encode())
    return path


def cut(path, part):
    """The first `part` of a file, in its place."""
    raw = path.read_bytes()
    path.write_bytes(raw[: int(part * len(raw))])
    return path


# ---- three good samples of each set


def ravdess(root):
    return [
        save_wav(root / "ravdess/Actor_01/03-01-01-01-01-01-01.wav", tone(0), 16_000),
        save_wav(root / "ravdess/Actor_02/03-01-03-02-01-01-02.wav", tone(1), 16_000),
        save_flac(root / "ravdess/Actor_02/03-01-05-01-02-02-02.flac", tone(2, 2.0)),
    ]


def crema_d(root):
    return [
        save_film(root / f"crema_d/VideoMP4/{name}.mp4", k, sound=True)
        for k, name in enumerate(("1001_DFA_ANG_XX", "1001_IEO_HAP_HI", "1002_TAI_NEU_XX"))
    ]


def adfes(root):
    return [
        save_film(root / f"adfes/{name}-Face Forward.mp4", k, fps=25.0)
        for k, name in enumerate(("F01-Joy", "F02-Anger", "M11-Pride"))
    ]


def va(count=40, shift=0.0):
    return [f"{0.5 * np.sin(k / 7 + shift):.4f}" for k in range(count)]


def aff_wild(root):
    place = root / "aff_wild"
    for k, name in enumerate(("101", "102", "103")):
        save_film(place / f"videos/train/{name}.mp4", k, 40, 16)
        for axis in ("valence", "arousal"):
            write(
                place / f"annotations/train/{axis}/{name}.txt",
                "\n".join(va(shift=k + len(axis))) + "\n",
            )
    return sorted(place.glob("videos/train/*"))


def aff_wild2(root):
    place = root / "aff_wild"
    for k, name in enumerate(("11-24", "video7", "video9")):
        save_film(place / f"batch1/{name}.mp4", k, 40, 16)
        write(
            place / f"annotations/VA_Set/Train_Set/{name}.txt",
            "\n".join(["valence,arousal", *(f"{v},{v}" for v in va(shift=k))]) + "\n",
        )
    return sorted(place.glob("batch1/*"))


def afew_va(root):
    from PIL import Image

    sim_files.write(worlds.afew_va(3, 3, size=48, seconds=(0.4, 0.6)), root)
    for path in sorted((root / "afew_va").glob("*/*.json")):
        for name in json.loads(path.read_text())["frames"]:
            Image.fromarray(pattern(int(path.stem), 1, 24)[0]).save(path.parent / f"{name}.png")
    return sorted((root / "afew_va").iterdir())


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def announce(path, extra):
    """Let the header of a wav announce `extra` bytes more than there are."""
    raw = bytearray(path.read_bytes())
    at = raw.index(b"data") + 4
    raw[at : at + 4] = struct.pack("<I", struct.unpack("<I", raw[at : at + 4])[0] + extra)
    path.write_bytes(bytes(raw))
    return path
