"""From embeddings to two dimensions: PCA, t-SNE and UMAP, with progress and a way to stop."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

from emolib.ground.errors import EmolibError, nearest

METHODS = ("PCA", "t-SNE", "UMAP")
EARLY, LATE = 100, 250  # t-SNE's iterations with and without exaggeration
EVERY = 10  # iterations between two reports


class Stopped(Exception):
    """Somebody asked for another layout before this one was done."""


def methods() -> tuple[str, ...]:
    """What this machine can compute: UMAP only where umap-learn is installed."""
    return METHODS if find_spec("umap") else METHODS[:2]


def place(
    embedding: np.ndarray,
    method: str = "t-SNE",
    *,
    perplexity: float = 30.0,
    seed: int = 0,
    start: np.ndarray | None = None,
    report: Callable[[float], None] = lambda share: None,
    stopped: Callable[[], bool] = lambda: False,
) -> np.ndarray:
    """Places (N, 2) float32 in [-1, 1] for an embedding (N, D).

    perplexity   about how many neighbours count as near, at most (N - 1) / 3 (UMAP: their number)
    start        (N, 2) to begin from; PCA turns its axes so as to lie as near to it as it can
    report       called with the share done, 0 to 1
    stopped      asked now and then; if it says yes, Stopped is raised
    Columns get unit variance first: else the feature with the largest numbers decides who is near.
    """
    if method not in METHODS:
        raise nearest(method, METHODS, what="projection")
    x = np.asarray(embedding, np.float64)
    if len(x) < 5:
        raise EmolibError(f"{method}: {len(x)} points; expected at least 5")
    x = (x - x.mean(0)) / np.where(x.std(0) > 1e-12, x.std(0), 1)
    flat = _pca(x, start)
    if method == "PCA":
        return _unit(flat)
    perplexity = min(perplexity, (len(x) - 1) / 3)
    begin = 1e-4 * _unit(flat if start is None else start).astype(np.float64)
    run = {"t-SNE": _tsne, "UMAP": _umap}[method]
    return _unit(run(x, begin / begin[:, 0].std(), perplexity, seed, report, stopped))


def islands(places: np.ndarray, groupings: list[np.ndarray]) -> float:
    """How far points of one kind lie apart from the others: silhouette in [-1, 1], the best of
    several groupings (N,) of the places (N, 2). Above 0.25 groups are more than chance makes
    (Kaufman and Rousseeuw 1990). 0 where there is no grouping.
    """
    from sklearn.metrics import silhouette_score

    few = np.random.default_rng(0).permutation(len(places))[:1000]
    found = [0.0]
    for groups in groupings:
        if 1 < len(np.unique(groups[few])) < len(few) / 2:
            found.append(float(silhouette_score(places[few], groups[few])))
    return max(found)


def _unit(xy: np.ndarray) -> np.ndarray:
    """Centred and scaled evenly into [-1, 1]: the shape stays."""
    xy = xy - (xy.max(0) + xy.min(0)) / 2
    return (xy / max(np.abs(xy).max(), 1e-12)).astype(np.float32)


def _pca(x: np.ndarray, start: np.ndarray | None) -> np.ndarray:
    """The two widest directions, turned and mirrored towards `start` (Procrustes)."""
    u, s, v = np.linalg.svd(x, full_matrices=False)
    flat = u[:, :2] * s[:2] * np.sign(v[np.arange(2), np.abs(v[:2]).argmax(1)])
    if start is None:
        return flat
    left, _, right = np.linalg.svd(flat.T @ (start - start.mean(0)))
    return flat @ (left @ right)


def _tsne(x, begin, perplexity, seed, report, stopped) -> np.ndarray:
    import openTSNE

    done = 0

    def tick(iteration, error, embedding) -> bool:
        report(min(1.0, (done + iteration) / (EARLY + LATE)))
        return stopped()  # True makes openTSNE interrupt itself

    # exact neighbours are the same on every machine, and in one thread the order of sums stays
    shared = {"n_jobs": 1, "random_state": seed}
    method = "exact" if len(x) <= 5000 else "annoy"
    affinity = openTSNE.affinity.PerplexityBasedNN(
        x, perplexity=perplexity, method=method, **shared
    )
    # The start is shaken, or a seed would not be seen: t-SNE itself is deterministic.
    begin = 1e-4 * begin + np.random.default_rng(seed).normal(size=begin.shape) * 2e-5
    made = openTSNE.TSNEEmbedding(
        begin, affinity, callbacks=tick, callbacks_every_iters=EVERY, **shared
    )
    for steps, exaggeration, momentum in ((EARLY, 12, 0.5), (LATE, None, 0.8)):
        made = made.optimize(
            steps, exaggeration=exaggeration, momentum=momentum, propagate_exception=False
        )
        if stopped():
            raise Stopped
        done += steps
    return np.asarray(made)


def _umap(x, begin, perplexity, seed, report, stopped) -> np.ndarray:
    import umap

    class Ticker:  # UMAP reports through tqdm, which writes to a file
        epochs = 0

        def write(self, text):
            if stopped():
                raise Stopped
            self.epochs += 1
            report(min(0.99, self.epochs / 20))

        def flush(self):
            pass

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its compiler and of a fixed seed meaning one thread
        return umap.UMAP(
            n_neighbors=max(2, round(perplexity)),
            init=10 * begin,
            random_state=seed,
            n_jobs=1,
            tqdm_kwds={"file": Ticker(), "disable": False},
        ).fit_transform(x)


class Background:
    """One layout at a time in a thread of its own; a new order stops the one under way.

    progress(share), finished(places) and failed(error) are called from that thread; a stopped
    layout calls none of them.
    """

    def __init__(
        self,
        progress: Callable[[float], None],
        finished: Callable[[list[np.ndarray]], None],
        failed: Callable[[Exception], None],
    ):
        self.progress, self.finished, self.failed = progress, finished, failed
        self._order, self._thread = 0, None

    def start(self, embeddings: list[np.ndarray], method: str, **options) -> None:
        """Place each embedding, later ones from the places of the first; all are handed over."""
        self.stop()
        work = (self._order, embeddings, method, options)
        self._thread = threading.Thread(target=self._work, args=work, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Give up what is under way. Called from the thread of the widgets only."""
        self._order += 1

    def wait(self, seconds: float | None = None) -> bool:
        """Until the last order is done; False if it is not after `seconds`."""
        if self._thread:
            self._thread.join(seconds)
        return not (self._thread and self._thread.is_alive())

    def _work(self, order: int, embeddings: list[np.ndarray], method: str, options: dict) -> None:
        def stopped() -> bool:
            return self._order != order

        def report(share: float) -> None:
            if not stopped():
                self.progress((len(made) + share) / len(embeddings))

        made: list[np.ndarray] = []
        options = options | {"report": report, "stopped": stopped}
        try:
            for embedding in embeddings:
                first = made[0] if made else None
                made.append(place(embedding, method, start=first, **options))
            if not stopped():
                self.finished(made)
        except Stopped:
            pass
        except Exception as error:  # shown to the reader: a thread has nobody else to tell
            if not stopped():
                self.failed(error)
