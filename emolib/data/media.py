"""Sound and films from files, read in one place; every way in which one can be broken is `Damaged`.

wav and flac through soundfile, films (mp4, flv, avi, mpg ...) and their sound through PyAV. Several
channels are averaged to one. Resampling is soxr at high quality, by way of librosa: on a 4 s clip
30 times as fast as torchaudio's windowed sinc at a like quality, and the same on any number of
threads.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emolib.data.files import Damaged, guard, one_line
from emolib.ground.errors import EmolibError

SOUNDS = (".wav", ".flac")
FILMS = (".mp4", ".flv", ".avi", ".mpg", ".mpeg", ".mov", ".mkv", ".webm")
SHORTEST = 2048 / 22_050  # seconds: one window of the mel features; a shorter sound has no frame
LOUDEST = 4.0  # a float file may overshoot 1 a little; beyond this it holds something else
LARGEST = 4 << 30  # bytes of frames that are read at once
SLACK = 2  # frames a film may be short of what its header says
EMPTY = "a film of 0 frames; get it anew"


@dataclass(frozen=True)
class Sound:
    """Of a sound file, not decoded (in a film `samples` is right to within a codec's block)."""

    rate: int
    channels: int
    samples: int

    @property
    def seconds(self) -> float:
        return self.samples / self.rate


@dataclass(frozen=True)
class Video:
    """Of a film: `frames` by its header, else (flv, mpg: `counted` False) its packets."""

    fps: float
    frames: int
    height: int
    width: int
    has_sound: bool
    counted: bool = True


# ---- sound


def probe_sound(path: Path | str) -> Sound:
    """Rate, channels, samples from the header; Damaged also if shorter than one analysis window."""
    path = Path(path)
    sound = _header(path) if path.suffix.lower() in SOUNDS else _track(path)
    _long_enough(path, sound)
    return sound


def read_sound(path: Path | str, rate: int | None = None) -> np.ndarray:
    """Mono waveform, float32 (samples,) in [-1, 1], at `rate` Hz (None: the file's own).

    What overshoots 1 by a little (float files, lossy codecs, resampling) is clipped. Raises Damaged
    for what cannot be decoded to its end, holds no sample, NaN, infinity or values beyond 4.
    """
    path = Path(path)
    samples, own = _decode_file(path) if path.suffix.lower() in SOUNDS else _decode_track(path)
    bad = np.flatnonzero(~np.isfinite(samples).all(axis=1))
    if bad.size:
        raise Damaged(
            path,
            f"sample {bad[0]} is not a finite number ({bad.size} such samples); get the file anew",
        )
    peak = np.abs(samples).max()
    if peak > LOUDEST:
        raise Damaged(
            path,
            f"holds values up to {peak:g}, expected -1 to 1; "
            "probably whole numbers stored as floats",
        )
    mono = samples.mean(axis=1, dtype=np.float32)
    _long_enough(path, Sound(own, samples.shape[1], len(mono)))
    if rate is not None and rate != own:
        import librosa

        offset = mono.mean()  # set aside: a resampler takes a step at the ends for sound
        mono = librosa.resample(mono - offset, orig_sr=own, target_sr=rate, res_type="soxr_hq")
        mono = mono + offset
    return np.clip(mono, -1, 1, dtype=np.float32)


def _long_enough(path: Path, sound: Sound):
    if sound.samples == 0:
        raise Damaged(path, "holds no sample; get it anew")
    if sound.seconds < SHORTEST:
        raise Damaged(
            path,
            f"{1000 * sound.seconds:.0f} ms of sound ({sound.samples} samples), shorter than one "
            f"analysis window of {1000 * SHORTEST:.0f} ms (2048 samples at 22,050 Hz); "
            "it is probably cut short",
        )


def _header(path: Path) -> Sound:
    import soundfile

    wav = path.suffix.lower() == ".wav"
    guard(path, starts=(b"RIFF", b"RF64", b"RIFX") if wav else (b"fLaC",))
    if wav:
        _whole_wav(path)
    try:
        info = soundfile.info(os.fsencode(path))
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise Damaged(path, f"not a readable sound file ({one_line(error)}); get it anew") from None
    return Sound(info.samplerate, info.channels, info.frames)


def _whole_wav(path: Path):
    """Refuse a wav that holds less than its header announces: libsndfile says nothing."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        order = "big" if file.read(12).startswith(b"RIFX") else "little"
        while len(head := file.read(8)) == 8:
            length = int.from_bytes(head[4:], order)
            if head[:4] == b"data":
                there = size - file.tell()
                unknown = length == 0xFFFFFFFF  # written to a pipe
                if length > there and not unknown:
                    raise Damaged(
                        path,
                        f"cut short: its header announces {length} bytes of sound, "
                        f"{there} are there; get it anew",
                    )
                return
            file.seek(length + length % 2, 1)
    raise Damaged(path, "a wav file without sound data; it is probably cut short")


def _decode_file(path: Path) -> tuple[np.ndarray, int]:
    """All of a wav or flac file: float32 (samples, channels), and its rate."""
    import soundfile

    announced = _header(path).samples
    try:
        samples, rate = soundfile.read(os.fsencode(path), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, MemoryError) as error:
        # MemoryError: a broken header may announce terabytes
        raise Damaged(
            path, f"cannot be decoded to its end ({one_line(error)}); it is probably cut short"
        ) from None
    if len(samples) < announced:
        raise Damaged(
            path, f"cut short: {len(samples)} of {announced} samples can be decoded; get it anew"
        )
    if not len(samples):
        raise Damaged(path, "holds no sample; get it anew")
    return samples, rate


def _track(path: Path) -> Sound:
    with _opened(path) as film:
        track = _sound_of(path, film)
        seconds = _seconds(track) or (film.duration or 0) / 1e6
        return Sound(track.rate, track.channels, round(seconds * track.rate))


def _decode_track(path: Path) -> tuple[np.ndarray, int]:
    """The sound of a film: float32 (samples, channels), and its rate."""
    import av

    blocks = []
    with _opened(path) as film:
        track = _sound_of(path, film)
        announced, rate = _seconds(track), track.rate
        planar = av.AudioResampler(format="fltp")  # format only: rate and channels stay
        for frame in film.decode(track):
            blocks += [block.to_ndarray() for block in planar.resample(frame)]
    if not blocks:
        raise Damaged(path, "holds no sample of sound; get it anew")
    samples = np.concatenate(blocks, axis=1).T  # (samples, channels)
    if len(samples) < announced * rate - 4096:
        raise Damaged(
            path,
            f"cut short: {len(samples) / rate:.2f} of {announced:.2f} s of sound can be decoded; "
            "get it anew",
        )
    return samples, rate


def _sound_of(path: Path, film):
    if not film.streams.audio:
        raise Damaged(path, "a film without sound")
    return film.streams.audio[0]


def _seconds(track) -> float:
    return float(track.duration * track.time_base) if track.duration else 0.0


# ---- films


def probe_video(path: Path | str) -> Video:
    """What the header says of a film; its packets are counted where the header counts no frames.

    Raises Damaged for what is no film, has no picture, no size or no frame rate.
    """
    path = Path(path)
    with _opened(path) as film:
        if not film.streams.video:
            raise Damaged(path, "holds no picture (0 frames); expected a film")
        track = film.streams.video[0]
        fps = float(track.average_rate or track.guessed_rate or 0)
        counted = track.frames > 0
        frames = track.frames or sum(packet.size > 0 for packet in film.demux(track))
        height, width = track.height, track.width
        if not frames:
            raise Damaged(path, EMPTY)
        if fps <= 0 or not height or not width:
            raise Damaged(
                path,
                f"a film of {width} x {height} pixels at {fps:g} frames a second; "
                "its header is broken",
            )
        return Video(round(fps, 3), frames, height, width, bool(film.streams.audio), counted)


def check_ends(path: Path | str) -> Video:
    """As `probe_video`, with the first and last frame decoded: finds a film cut short."""
    path, video = Path(path), probe_video(path)
    with _opened(path) as film:
        track = film.streams.video[0]
        if next(film.decode(track), None) is None:
            raise Damaged(path, EMPTY)
        film.seek(film.duration or 0, backward=True)
        times = [frame.time for frame in film.decode(track) if frame.time is not None]
        last = max(times, default=None)
        begin = float((track.start_time or 0) * track.time_base)
    reached = 0 if last is None else round((last - begin) * video.fps) + 1
    if video.counted and reached < video.frames - SLACK:
        raise Damaged(
            path, f"cut short: its last readable frame is {reached} of {video.frames}; get it anew"
        )
    if last is None:
        raise Damaged(path, "its last frame cannot be decoded; it is probably cut short")
    return video


def iterate_frames(
    path: Path | str,
    chunk: int = 256,
    size: int | tuple[int, int] | None = None,
    grey: bool = False,
) -> Iterator[np.ndarray]:
    """The frames of a film, at most `chunk` at a time: uint8 (n, H, W, 3), (n, H, W) with `grey`.

    size   None keeps the film's own; a number makes squares, (height, width) anything else (area
           averaging, no cropping)
    grey   luma of Rec. 601, (77 R + 150 G + 29 B) / 256; for another grey read colours
    Memory holds one chunk, whatever the length. Raises Damaged for frames that cannot be decoded,
    and at the end for a film more than 2 frames short of its header's count. A cut mpg, whose
    header counts none, is a shorter film.
    """
    path, video = Path(path), probe_video(path)
    height, width = _shape(video, size)
    block, seen = [], 0
    with _opened(path) as film:
        track = film.streams.video[0]
        track.thread_type = "AUTO"
        for frame in film.decode(track):
            if size is None and (frame.height, frame.width) != (height, width):
                raise Damaged(
                    path,
                    f"frame {seen} is {frame.width} x {frame.height}, the film {width} x {height}; "
                    "give a `size`",
                )
            if frame.is_corrupt:
                raise Damaged(path, f"frame {seen} is damaged; get the film anew")
            picture = frame.to_ndarray(
                format="rgb24", height=height, width=width, interpolation="AREA"
            )  # (H, W, 3)
            block.append(_luma(picture) if grey else picture)
            seen += 1
            if len(block) == chunk:
                yield np.stack(block)
                block = []
    if block:
        yield np.stack(block)
    if not seen:
        raise Damaged(path, EMPTY)
    if seen < video.frames - SLACK:
        raise Damaged(
            path, f"cut short: {seen} of {video.frames} frames can be decoded; get it anew"
        )


def read_frames(
    path: Path | str, size: int | tuple[int, int] | None = None, grey: bool = False
) -> np.ndarray:
    """All frames of a film, uint8 (T, H, W, 3) or (T, H, W), as `iterate_frames` gives them.

    A film of more than 4 GiB of frames is refused: `iterate_frames` reads it piece by piece.
    """
    video = probe_video(path)
    height, width = _shape(video, size)
    room = video.frames * height * width * (1 if grey else 3)
    if room > LARGEST:
        raise EmolibError(
            f"{path}: {video.frames} frames of {width} x {height} take {room / 2**30:.0f} GiB; "
            "give a smaller `size`, or read it with iterate_frames"
        )
    return np.concatenate(list(iterate_frames(path, 256, size, grey)))


def _shape(video: Video, size: int | tuple[int, int] | None) -> tuple[int, int]:
    if size is None:
        return video.height, video.width
    return (size, size) if isinstance(size, int) else size


def _luma(picture: np.ndarray) -> np.ndarray:
    return (picture.astype(np.uint16) @ np.array([77, 150, 29], np.uint16) >> 8).astype(np.uint8)


@contextmanager
def _opened(path: Path):
    """A film opened by PyAV; whatever it raises on broken bytes becomes Damaged."""
    import av

    guard(path)
    try:
        with av.open(str(path)) as film:
            yield film
    except (av.error.FFmpegError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or one_line(error)
        raise Damaged(
            path, f"not a readable film ({why}); it is probably cut short or another kind of file"
        ) from None
