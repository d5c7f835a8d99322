"""A simulated SFEW feature table: weak class signal, strong movies, near-duplicate frames.

SFEW's table holds five principal components of LPQ and five of PHOG for 674 film stills. Its
trap: frames of one shot are almost equal and share a label, so that a random split puts copies
of the test rows into training. The model here has that trap and little else:

    row = movie + shot + signal * class mean + frame noise            (in 10 latent dimensions)

Each block of five is then rotated to its own principal components and scaled to the real spread.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.data.sim.streams import stream
from emolib.ground.containers import TableSet
from emolib.ground.errors import EmolibError

# SFEW's labels 1..7, its rows per class after the damaged row is dropped, and its column spread.
CLASSES = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
COUNTS = (100, 75, 99, 100, 100, 100, 100)
SPREAD = (0.0109, 0.0159, 0.0106, 0.0079, 0.0060, 0.0071, 0.0065, 0.0051, 0.0047, 0.0047)
COLUMNS = tuple(f"LPQ{i}" for i in range(1, 6)) + tuple(f"PHOG{i}" for i in range(1, 6))
TITLES = (
    "First 5 Principal Components of Local Phase Quantization (LPQ) features",
    "First 5 Principal Components of Pyramid of Histogram of Gradients (PHOG) features",
)
MOVIES, LARGEST = 54, 83  # of 674 rows: 83, then a long tail down to 1


def sfew_table(
    seed: int = 0,
    rows: int = 674,
    *,
    signal: float = 0.12,
    shot: float = 0.75,
    movie: float = 0.5,
    duplicates: float = 0.3,
) -> TableSet:
    """A table like SFEW.xlsx: `rows` stills with 10 features, subjects are movies, no split of its own.

    signal      distance of a class from the mean, in units of the whole spread
    shot        share of the remaining variance that frames of one shot have in common
    movie       share of the remaining variance that frames of one movie have in common (of what shots leave)
    duplicates  share of rows that repeat the shot of an earlier row: the leak of a random split
    Each draws from its own stream: changing one leaves the draws of the others as they were. At the
    defaults stock classifiers reach 0.20 to 0.27 on random folds and 0.15 to 0.24 on movie-grouped
    ones; on the real table they reach 0.22 to 0.27 and 0.16 to 0.18 (chance 0.15).
    """
    if rows < 2 * len(CLASSES):
        raise EmolibError(f"sfew: {rows} rows asked for, expected at least {2 * len(CLASSES)}")
    for what, value in (("shot", shot), ("movie", movie), ("duplicates", duplicates)):
        if not 0 <= value < 1:
            raise EmolibError(f"sfew: {what} is {value}, expected 0 to 1 (1 excluded)")
    of_movie = np.repeat(np.arange(len(movie_sizes(rows))), movie_sizes(rows))  # (N,)
    of_shot = _shots(of_movie, duplicates, stream(seed, "sfew", "shots"))  # (N,)
    code = _labels(of_shot, class_counts(rows), stream(seed, "sfew", "labels"))  # (N,) 0..6
    latent = _latent(code, of_shot, of_movie, signal, shot, movie, seed)  # (N, 10)
    names = _names(of_movie, of_shot, stream(seed, "sfew", "names"))
    order = np.lexsort((names, code))  # the file's order
    index = np.array([EMOTIONS.index(c) for c in CLASSES])
    return TableSet(
        name="sfew",
        source="simulated",
        columns=COLUMNS,
        features=_principal(latent)[order],
        label=index[code[order]],
        subject=np.array([n.split("_")[0] for n in names])[order],
        split=np.full(rows, ""),
        meta=pd.DataFrame({"image": names[order], "code": code[order] + 1}),
    )


def class_counts(rows: int) -> np.ndarray:
    """Rows per class in SFEW's proportions, summing to `rows` (largest remainders get the rest)."""
    share = rows * np.array(COUNTS) / sum(COUNTS)
    count = np.floor(share).astype(int)
    count[np.argsort(count - share, kind="stable")[: rows - count.sum()]] += 1
    return count


def movie_sizes(rows: int) -> np.ndarray:
    """Rows per movie, largest first: an exponential tail fitted to the real one, summing to `rows`."""
    movies = max(2, min(MOVIES, rows // 3))
    size = np.maximum(1, np.round(LARGEST * rows / 674 * np.exp(-np.arange(movies) / 7.7))).astype(
        int
    )
    while size.sum() != rows:  # spread the rounding over the larger half
        step = 1 if size.sum() < rows else -1
        for i in range(1, movies // 2):
            if size.sum() != rows and size[i] + step > 0:
                size[i] += step
        size[0] += step * (movies < 4 and size.sum() != rows)
    return np.sort(size)[::-1]


def _shots(of_movie, duplicates, rng) -> np.ndarray:
    """A shot number per row; with chance `duplicates` a row continues the shot before it, in the same movie."""
    fresh = (rng.random(len(of_movie)) >= duplicates) | np.r_[True, of_movie[1:] != of_movie[:-1]]
    return np.cumsum(fresh) - 1


def _labels(of_shot, counts, rng) -> np.ndarray:
    """A class per row, one per shot where the counts allow it, with exactly `counts` rows per class."""
    size = np.bincount(of_shot)
    left, of = counts.copy(), np.empty(len(of_shot), dtype=int)
    start = np.r_[0, np.cumsum(size)]
    for s in np.lexsort((rng.random(len(size)), -size)):  # long shots first, ties in random order
        rows = np.arange(start[s], start[s + 1])
        fits = np.where(left >= len(rows), left, 0)
        for part in [rows] if fits.any() else rows[:, None]:
            weight = np.where(left >= len(part), left, 0)
            c = rng.choice(len(counts), p=weight / weight.sum())
            of[part], left[c] = c, left[c] - len(part)
    return of


def _latent(code, of_shot, of_movie, signal, shot, movie, seed) -> np.ndarray:
    """(N, 10) rows of the model above, about unit variance."""

    def draw(name, n):
        return stream(seed, "sfew", name).standard_normal((n, len(COLUMNS)))

    rest = (
        np.sqrt(movie) * draw("movie", of_movie.max() + 1)[of_movie]
        + np.sqrt(1 - movie) * draw("shot", of_shot.max() + 1)[of_shot]
    )
    frame = draw("frame", len(code))
    return (
        signal * draw("class", len(CLASSES))[code]
        + np.sqrt(shot) * rest
        + np.sqrt(1 - shot) * frame
    )


def _principal(latent) -> np.ndarray:
    """Each block of five as its own principal components, scaled to SFEW's spread: (N, 10) -> (N, 10)."""
    out = np.empty_like(latent)
    for block in (slice(0, 5), slice(5, 10)):
        x = latent[:, block] - latent[:, block].mean(0)
        x = x @ np.linalg.eigh(np.cov(x.T))[1][:, ::-1]  # (N, 5) uncorrelated, largest first
        out[:, block] = x / x.std(0) * np.array(SPREAD[block])
    return out


def _names(of_movie, of_shot, rng) -> np.ndarray:
    """File names in SFEW's style, `Movie_000519240_00000005.mat`: movie, time of the shot, frame."""
    first = ("Amber", "Quiet", "Seven", "Paper", "North", "Silver", "Broken", "Hidden", "Last")
    second = ("Harbour", "Garden", "Letters", "Station", "Winter", "Mirror")
    movies = [a + b for b in second for a in first]
    time = np.sort(rng.choice(10**7, of_shot.max() + 1, replace=False))
    frame = np.zeros(len(of_shot), dtype=int)
    for i in range(len(of_shot)):
        frame[i] = (
            frame[i - 1] + rng.integers(1, 30)
            if i and of_shot[i] == of_shot[i - 1]
            else rng.integers(1, 30)
        )
    return np.array(
        [f"{movies[m]}_{time[s]:09d}_{f:08d}.mat" for m, s, f in zip(of_movie, of_shot, frame)]
    )


def write(world: TableSet, folder: Path, *, flaws: bool = False) -> list[Path]:
    """`sfew/SFEW.xlsx` as its holders ship it: one sheet, two title cells, a row per still.

    flaws   adds the real file's 675th row, by its name: a still with an outlier and the text 'NaN' in its PHOG cells
    """
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "SFEW.csv"
    sheet.append([None, "label", TITLES[0], None, None, None, None, TITLES[1]])
    sheet.merge_cells("C1:G1")
    for image, code, row in zip(world.meta["image"], world.meta["code"], world.features):
        sheet.append([image, int(code), *map(float, row)])
    if flaws:
        sheet.append(
            [
                "Hangover_001949614_00000089.mat",
                3,
                0.99401,
                -0.0060827,
                -0.016374,
                0.00096981,
                0.0064847,
                *["NaN"] * 5,
            ]
        )
    path = Path(folder) / "sfew" / "SFEW.xlsx"
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return [path]
