"""A grid of runs, stored and resumable (`map`), and what a study asks of it (`Study`)."""

from emolib.reproduction.runs.claims import (
    OUTCOMES,
    WEAK,
    Claims,
    Standing,
    Verdict,
    either,
    in_words,
)
from emolib.reproduction.runs.grid import THREADS, Used, ledger, map, scratch, stored
from emolib.reproduction.runs.outcome import Outcome, Pictures, sources_of
from emolib.reproduction.runs.study import Study, held, part
