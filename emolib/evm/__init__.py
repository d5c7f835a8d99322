"""Eulerian video magnification (Wu et al. 2012): small changes of colour or place made large.

>>> magnify(video, fps=30, low=0.8, high=3, alpha=5)                 # the pulse, as orgil2022
>>> magnify(video, fps=30, low=0.8, high=5, alpha=5, mode="motion")  # an action unit

Each pixel of a pyramid level is filtered over time; alpha times the band is added to the frame
(orgil2022, Eq. 1.5: I + alpha B; its Eq. 1.7 reads as alpha times, see `gain`).
"""

from emolib.evm.film import magnify_file
from emolib.evm.magnifier import FILTERS, GAINS, MODES, TooLarge, TooShort, magnify, stream
from emolib.evm.pulse import Spectrum, spectrum
