"""A simulated SFEW feature table: weak class signal, strong movies, near-duplicate frames.

SFEW's table holds five principal components of LPQ and five of PHOG for 674 film stills. Its trap:
frames of one shot are almost equal and share a label, so that a random split puts copies of the
test rows into training. The model here has that trap and little else:

    row = movie + shot + signal * class mean + frame noise            (in 10 latent dimensions)
"""

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
    """A table like SFEW.xlsx: `rows` stills with 10 features, subjects are movies, no split.

    signal      distance of a class from the mean, in units of the whole spread
    shot        share of the remaining variance that frames of one shot have in common
    movie       the same for frames of one movie (of what shots leave)
    duplicates  share of rows that repeat the shot of an earlier row: the leak of a random split
    Each draws from its own stream. At the defaults stock classifiers reach 0.20 to 0.27 on random
    folds and 0.15 to 0.24 on movie-grouped ones; on the real table 0.22 to 0.27 and 0.16 to 0.18
    (chance 0.15).
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
        columns=COLUMNS,
        features=_principal(latent)[order],
        label=index[code[order]],
        subject=np.array([n.split("_")[0] for n in names])[order],
        split=[""] * rows,
        meta=pd.DataFrame({"image": names[order], "code": code[order] + 1}),
    )


def class_counts(rows: int) -> np.ndarray:
    """Rows per class in SFEW's proportions, summing to `rows` (largest remainders get the rest)."""
    share = rows * np.array(COUNTS) / sum(COUNTS)
    count = np.floor(share).astype(int)
    count[np.argsort(count - share, kind="stable")[: rows - count.sum()]] += 1
    return count


def movie_sizes(rows: int) -> np.ndarray:
    """Rows per movie, largest first: an exponential tail fitted to the real one, `rows` in all."""
    movies = max(2, min(MOVIES, rows // 3))
    tail = np.round(LARGEST * rows / 674 * np.exp(-np.arange(movies) / 7.7))
    size = np.maximum(1, tail).astype(int)
    while size.sum() != rows:  # spread the rounding over the larger half
        step = 1 if size.sum() < rows else -1
        for i in range(1, movies // 2):
            if size.sum() != rows and size[i] + step > 0:
                size[i] += step
        size[0] += step * (movies < 4 and size.sum() != rows)
    return np.sort(size)[::-1]


def _shots(of_movie, duplicates, rng) -> np.ndarray:
    """A shot per row; with chance `duplicates` a row continues the shot before it in its movie."""
    fresh = (rng.random(len(of_movie)) >= duplicates) | np.r_[True, of_movie[1:] != of_movie[:-1]]
    return np.cumsum(fresh) - 1


def _labels(of_shot, counts, rng) -> np.ndarray:
    """A class per row, `counts` rows of each; one per shot where the counts allow it."""
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

    rest = np.sqrt(movie) * draw("movie", of_movie.max() + 1)[of_movie]
    rest = rest + np.sqrt(1 - movie) * draw("shot", of_shot.max() + 1)[of_shot]
    kept = signal * draw("class", len(CLASSES))[code] + np.sqrt(shot) * rest
    return kept + np.sqrt(1 - shot) * draw("frame", len(code))


def _principal(latent) -> np.ndarray:
    """Each block of five as its own principal components, scaled to SFEW's spread: (N, 10)."""
    out = np.empty_like(latent)
    for block in (slice(0, 5), slice(5, 10)):
        x = latent[:, block] - latent[:, block].mean(0)
        x = x @ np.linalg.eigh(np.cov(x.T))[1][:, ::-1]  # (N, 5) uncorrelated, largest first
        out[:, block] = x / x.std(0) * np.array(SPREAD[block])
    return out


def _names(of_movie, of_shot, rng) -> np.ndarray:
    """File names as SFEW's, `Movie_000519240_00000005.mat`: movie, time of the shot, frame."""
    first = ("Amber", "Quiet", "Seven", "Paper", "North", "Silver", "Broken", "Hidden", "Last")
    second = ("Harbour", "Garden", "Letters", "Station", "Winter", "Mirror")
    movies = [a + b for b in second for a in first]
    time = np.sort(rng.choice(10**7, of_shot.max() + 1, replace=False))
    frame = np.zeros(len(of_shot), dtype=int)
    for i, shot in enumerate(of_shot):
        goes_on = i and shot == of_shot[i - 1]
        frame[i] = rng.integers(1, 30) + (frame[i - 1] if goes_on else 0)
    rows = zip(of_movie, of_shot, frame)
    return np.array([f"{movies[m]}_{time[s]:09d}_{f:08d}.mat" for m, s, f in rows])
