"""Eulerian video magnification (Wu et al. 2012): small changes of colour, or small motions, made large.

>>> magnify(video, fps=30, low=0.8, high=3, alpha=5)                        # the colour of a pulse, band and factor of orgil2022
>>> magnify(video, fps=30, low=0.8, high=5, alpha=5, mode="motion")         # an action unit

Each pixel of a pyramid level is filtered over time; alpha times the band is added to the frame (orgil2022, Eq. 1.5: I + alpha B, so what
is in the band grows 1 + alpha times; its Eq. 1.7 reads as alpha times, `gain` says which programs mean what). How the pyramids are
computed stands in `pyramid`, the filters in `bands`, what to do with files in `film`, how to choose a band in `pulse`.
"""

from emolib.evm.film import magnify_file
from emolib.evm.magnifier import FILTERS, GAINS, MODES, TooLarge, TooShort, magnify, stream
from emolib.evm.pulse import Spectrum, spectrum

__all__ = [
    "FILTERS",
    "GAINS",
    "MODES",
    "Spectrum",
    "TooLarge",
    "TooShort",
    "magnify",
    "magnify_file",
    "spectrum",
    "stream",
]
