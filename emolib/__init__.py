"""emolib: the companion to five works on emotion recognition.

Read the notebooks first; this package is what they call.
"""

__version__ = "0.1.0"

# The label of every emotion set is an index into this tuple, whatever code the set itself uses
# (that code stays in `meta`). The order is fixed: results and golden files depend on it.
EMOTIONS = (
    "angry",
    "disgust",
    "fear",
    "happy",
    "sad",
    "surprise",
    "neutral",
    "contempt",
    "calm",
    "pride",
    "embarrassment",
)
