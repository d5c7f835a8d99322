"""From embeddings to two dimensions: PCA, t-SNE and UMAP, the slow ones with progress and a way to stop."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable

import numpy as np

from emolib.ground.errors import EmolibError, nearest

METHODS = ("PCA", "t-SNE", "UMAP")
EARLY, LATE = 100, 250  # t-SNE's iterations with and without exaggeration
EVERY = 10  # iterations between two reports


class Stopped(Exception):
    """Somebody asked for another layout before this one was done."""


def methods() -> tuple[str, ...]:
    """What this machine can compute: UMAP only where umap-learn is installed."""
    from importlib.util import find_spec

    return METHODS if find_spec("umap") else METHODS[:2]


def place(
    embedding: np.ndarray,
    method: str = "t-SNE",
    *,
    perplexity: float = 30.0,
    seed: int = 0,
    start: np.ndarray | None = None,
    report: Callable[[float], None] | None = None,
    stopped: Callable[[], bool] | None = None,
) -> np.ndarray:
    """Places (N, 2) float32 in [-1, 1] for an embedding (N, D); the same arguments give the same places.

    perplexity   about how many neighbours count as near (t-SNE; UMAP takes it as its number of neighbours); at most (N - 1) / 3
    start        (N, 2) places to begin from (t-SNE and UMAP); PCA turns its axes so as to lie as near to them as it can
    report       called with the share done, 0 to 1;   stopped  asked now and then; if it says yes, Stopped is raised
    Columns are scaled to unit variance first: otherwise the feature with the largest numbers would decide who is near.
    """
    if method not in METHODS:
        raise nearest(method, METHODS, what="projection")
    x = np.asarray(embedding, np.float64)
    if len(x) < 5:
        raise EmolibError(f"{method}: {len(x)} points; expected at least 5")
    x = (x - x.mean(0)) / np.where(x.std(0) > 1e-12, x.std(0), 1)
    flat = _pca(x, start)
    perplexity = min(perplexity, (len(x) - 1) / 3)
    if method == "PCA":
        return _unit(flat)
    begin = 1e-4 * _unit(flat if start is None else start).astype(np.float64)
    run = {"t-SNE": _tsne, "UMAP": _umap}[method]
    placed = run(
        x,
        begin / begin[:, 0].std(),
        perplexity,
        seed,
        report or (lambda share: None),
        stopped or (lambda: False),
    )
    return _unit(placed)


def _unit(xy: np.ndarray) -> np.ndarray:
    """Centred and scaled evenly into [-1, 1]: the shape stays."""
    xy = xy - (xy.max(0) + xy.min(0)) / 2
    return (xy / max(np.abs(xy).max(), 1e-12)).astype(np.float32)


def _pca(x: np.ndarray, start: np.ndarray | None) -> np.ndarray:
    """The two widest directions; signs by the largest entry, or, with `start`, turned and mirrored towards it (Procrustes)."""
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

    # Exact neighbours up to a few thousand points: the same on every machine. One thread: the order of sums stays.
    affinity = openTSNE.affinity.PerplexityBasedNN(
        x,
        perplexity=perplexity,
        method="exact" if len(x) <= 5000 else "annoy",
        n_jobs=1,
        random_state=seed,
    )
    made = openTSNE.TSNEEmbedding(
        1e-4 * begin + _jitter(begin.shape, seed),
        affinity,
        n_jobs=1,
        random_state=seed,
        callbacks=tick,
        callbacks_every_iters=EVERY,
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
        def __init__(self):
            self.epochs = 0

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
            verbose=False,
            tqdm_kwds={"file": Ticker(), "disable": False},
        ).fit_transform(x)


def _jitter(shape, seed) -> np.ndarray:
    """A seed has to be seen: t-SNE itself is deterministic once its start is given."""
    return np.random.default_rng(seed).normal(size=shape) * 2e-5


class Background:
    """One layout at a time in a thread of its own; a new order stops the one under way.

    finished(places) and failed(error) are called from that thread; a stopped layout calls neither.
    """

    def __init__(
        self,
        progress: Callable[[float], None],
        finished: Callable[[list[np.ndarray]], None],
        failed: Callable[[Exception], None],
    ):
        self.progress, self.finished, self.failed = progress, finished, failed
        self._order, self._thread, self._lock = 0, None, threading.Lock()

    def start(self, embeddings: list[np.ndarray], method: str, **options) -> None:
        """Place each embedding, the second from the places of the first, and hand all over at the end."""
        with self._lock:
            self._order += 1
            mine = self._order
        self._thread = threading.Thread(
            target=self._work, args=(mine, embeddings, method, options), daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Give up what is under way."""
        with self._lock:
            self._order += 1

    def wait(self, seconds: float | None = None) -> bool:
        """Until the last order is done; False if it is not after `seconds`."""
        if self._thread:
            self._thread.join(seconds)
        return not (self._thread and self._thread.is_alive())

    def _work(self, mine, embeddings, method, options) -> None:
        def stopped():
            return self._order != mine

        try:
            made = []
            for k, embedding in enumerate(embeddings):

                def report(share, k=k):
                    if not stopped():
                        self.progress((k + share) / len(embeddings))

                made.append(
                    place(
                        embedding,
                        method,
                        start=made[0] if made else None,
                        report=report,
                        stopped=stopped,
                        **options,
                    )
                )
            if not stopped():
                self.finished(made)
        except Stopped:
            pass
        except Exception as error:  # shown to the reader: a thread has nobody else to tell
            if not stopped():
                self.failed(error)
