"""Magnified films: a file in, a file out, a piece of frames in memory at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from emolib.evm import bands
from emolib.evm.magnifier import PIECE, Settings, Worker, check_length, few, stream, warn_large
from emolib.ground import bars, settings
from emolib.ground.errors import EmolibError

LARGEST = 4 << 30  # bytes of small pictures kept for the ideal filter


def magnify_file(
    path: Path | str,
    out: Path | str,
    low: float,
    high: float,
    alpha: float,
    mode: str = "color",
    filter: str = "ideal",
    gain: str = "1+alpha",
    *,
    fps: float | None = None,
    device: str = "cpu",
    **more,
) -> Path:
    """Magnify the film `path` and write `out` (H.264, without sound); arguments as `magnify`.

    fps   None takes the film's own
    The causal filters read the film once, at constant memory; the ideal one twice, and keeps the
    small pictures between: EmolibError where those take more than 4 GiB.
    """
    from emolib.data import media  # here: emolib.data brings pandas along

    path, out = Path(path), Path(out)
    film = media.probe_video(path)
    if out.exists() and out.resolve() == path.resolve():
        raise EmolibError(f"{out}: would overwrite the film that is read; name another file")
    if not out.parent.is_dir():
        raise EmolibError(f"{out}: there is no folder {out.parent}; make it first")
    device = settings.device(device)
    asked = Settings(film.fps if fps is None else fps, low, high, alpha, mode, filter, gain, **more)

    def pieces(what) -> Iterator[torch.Tensor]:
        with bars.bar(label=f"{path.name} {what}", unit="frame", total=film.frames) as bar:
            for piece in media.iterate_frames(path, PIECE):
                yield torch.from_numpy(piece).to(device)
                bar.update(len(piece))

    if filter == "ideal":
        magnified = _twice(path, film.frames, asked, pieces)
    else:
        magnified = stream(pieces("magnified"), **vars(asked))
    with _writing(out, film.fps) as write:
        for piece in magnified:
            write(piece.cpu().numpy())
    return out


def _twice(path, frames: int, asked: Settings, pieces) -> Iterator[torch.Tensor]:
    small, worker = [], None
    for piece in pieces("read"):
        worker = worker or Worker(asked, piece)
        small.append(worker.shrink(piece))
        room = frames * small[0][0].nbytes
        if room > LARGEST:
            raise EmolibError(
                f"{path}: the ideal filter would keep {room / 2**30:.0f} GiB for {frames} frames; "
                "use --filter butterworth or iir"
            )
    small = torch.cat(small)
    check_length(len(small), asked)
    some = few(len(small))
    mean = small[some].mean(0)
    band = bands.ideal(small, asked.fps, asked.low, asked.high)
    if asked.mode == "motion":
        warn_large(band[some], mean, worker)
    for piece, part in zip(pieces("magnified"), band.split(PIECE)):
        into = torch.empty_like(piece)
        worker.add(piece, part, into)
        yield into


@contextmanager
def _writing(out: Path, fps: float):
    """Gives a function that appends frames (n, H, W, 3); `out` is there only once all of it is."""
    import av

    unfinished = out.with_name(f".{out.stem}-{os.getpid()}{out.suffix}")
    rate = Fraction(fps).limit_denominator(1001)
    try:
        with av.open(str(unfinished), "w") as file:
            track = file.add_stream("libx264", rate=rate, options={"crf": "18"})

            def write(frames: np.ndarray):
                if not track.codec_context.is_open:
                    track.height, track.width = frames.shape[1:3]
                    odd = track.height % 2 or track.width % 2  # halved colours need even sides
                    track.pix_fmt = "yuv444p" if odd else "yuv420p"
                for image in np.ascontiguousarray(frames):
                    file.mux(track.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))

            yield write
            file.mux(track.encode())
        unfinished.replace(out)
    except (av.error.FFmpegError, ValueError) as error:
        why = " ".join(str(error).split())[:120]
        raise EmolibError(f"{out}: cannot be written ({why}); name an .mp4, .mkv or .mov") from None
    finally:
        unfinished.unlink(missing_ok=True)
