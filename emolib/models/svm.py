"""The two support vector machines of chang2021, Tables 4.1 and 4.2: SSVM and SVM (poly).

The text prints no equation for its SSVM; section 3.1 says that "only the worst constraints are subjected to
relevant quadratic optimization". That is the structural machine with a loss of 1 for a wrong class; with
classes for outputs it is the multi-class machine of Crammer and Singer (2001):

    min over W and xi >= 0   1/2 |W|^2 + C sum_i xi_i   with   (w_y(i) - w_k) x_i >= 1 - xi_i   for all i and k other than y(i)

scikit-learn's LinearSVC(multi_class='crammer_singer') solves this very problem (in the dual, sample by
sample), so it is the solver here; the tests hold it to `objective` and to a cutting-plane solver of their own.
"""

from __future__ import annotations

import numpy as np
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC


def ssvm(C: float = 1.0, *, seed: int = 0, tol: float = 1e-4) -> Pipeline:
    """Features to mean 0 and variance 1, then the structural machine. The scaler sees only the rows given to `fit`.

    C       weight of the slacks; to be selected on validation rows
    seed    order in which the solver visits the samples; it changes the result within `tol`
    liblinear passes over the samples 100,000 times at most, whatever it is asked; scikit-learn warns (ConvergenceWarning) if that does not suffice.
    The intercept is the weight of a constant feature of 1 and part of |W|^2.
    """
    return make_pipeline(
        StandardScaler(),
        LinearSVC(multi_class="crammer_singer", C=C, tol=tol, max_iter=100_000, random_state=seed),
    )


def svm_poly(C: float = 1.0, degree: int = 3) -> Pipeline:
    """The same scaling, then a polynomial kernel (gamma x'z + 1)^degree, one class against one.

    The text prints neither degree nor C: 3 is scikit-learn's; both are to be selected on validation rows.
    """
    return make_pipeline(StandardScaler(), SVC(kernel="poly", degree=degree, C=C, coef0=1.0))


def worst(W: np.ndarray, X: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each sample's worst constraint: the class k with the largest (w_k - w_y) x + [k is not y], and that value, its slack.

    W (K, F); X (N, F), the constant feature in it; truth (N,) int, 0 to K - 1. Returns rival (N,) and slack (N,) >= 0.
    """
    rows = np.arange(len(X))
    scores = X @ W.T + 1.0  # (N, K)
    scores[rows, truth] -= 1.0
    rival = scores.argmax(1)
    return rival, scores[rows, rival] - scores[rows, truth]


def objective(W: np.ndarray, X: np.ndarray, truth: np.ndarray, C: float) -> float:
    """1/2 |W|^2 + C sum of slacks; arguments as in `worst`."""
    return 0.5 * float((W**2).sum()) + C * float(worst(W, X, truth)[1].sum())
