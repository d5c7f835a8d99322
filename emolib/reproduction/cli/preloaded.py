"""What nearly every notebook imports: once, in the process that their kernels are forked from (kernels.py). Nothing is computed here."""

import contextlib
import signal
import warnings

signal.signal(
    signal.SIGINT, signal.SIG_IGN
)  # Ctrl-C is for the command, with which this process ends; a kernel minds it while it computes

warnings.filterwarnings(
    "ignore", ".*multi-threaded.*", DeprecationWarning
)  # Python 3.12 counts threads of OpenBLAS, which mind a fork

for name in (
    "torch",
    "torchvision",
    "sklearn.linear_model",
    "sklearn.manifold",
    "sklearn.svm",
    "seaborn",
    "timm",
    "cv2",
    "numba",
    "ipykernel.ipkernel",
    "emolib.reproduction.report.plots",
    "emolib.reproduction.report.show",
):
    with contextlib.suppress(ImportError):  # whoever needs it says what is missing
        __import__(name)
