"""The two support vector machines of chang2021, Tables 4.1 and 4.2: SSVM and SVM (poly).

The text prints no equation for its SSVM; section 3.1 says that "only the worst constraints are subjected to
relevant quadratic optimization". That is the structural machine with a loss of 1 for a wrong class, solved
by cutting planes; with classes for outputs it is the multi-class machine of Crammer and Singer:

    min over W, xi >= 0   1/2 |W|^2 + C sum_i xi_i   with   w_y(i) x_i - w_k x_i >= 1 - xi_i   for every i and k other than y(i)

the problem that scikit-learn's LinearSVC(multi_class='crammer_singer') solves by coordinates of the dual;
the tests hold both to one objective.
"""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.validation import check_is_fitted, validate_data

from emolib.errors import EmolibError


class StructuralSVM(ClassifierMixin, BaseEstimator):
    """Linear, multi-class, by cutting planes: a scikit-learn classifier.

    C      weight of the slacks; `tol`: stop when the objective is within this part of its lower bound
    cuts   at most so many constraints; raises EmolibError when they do not suffice
    After fit: coef_ (K, F), intercept_ (K,), objective_ and bound_ (lower bound on any W's objective), cuts_.
    A constant feature of 1 carries the intercept, which is therefore part of |W|^2, as in LinearSVC.
    """

    def __init__(self, C: float = 1.0, tol: float = 1e-3, cuts: int = 2000):
        self.C, self.tol, self.cuts = C, tol, cuts

    def fit(self, X, y) -> StructuralSVM:
        X, y = validate_data(self, X, y, dtype=np.float64)
        self.classes_, truth = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise EmolibError(f"SSVM: every label is {self.classes_[0]!r}, expected at least two classes")
        X = np.hstack([X, np.ones((len(X), 1))])                                  # (N, F + 1)
        plane = _Planes(self.C * len(X), (len(self.classes_), X.shape[1]))
        best = np.inf
        for self.cuts_ in range(1, self.cuts + 1):
            W = plane.weights()
            value, cut, loss = worst(W, X, truth)
            if (objective := 0.5 * (W**2).sum() + self.C * value) < best:
                best, self.coef_, self.intercept_ = objective, W[:, :-1], W[:, -1]
            if best - plane.bound() <= self.tol * best:
                break
            plane.add(cut / len(X), loss / len(X))
        else:
            raise EmolibError(f"SSVM: {self.cuts} cuts leave a gap of {1 - plane.bound() / best:.1e}, expected {self.tol:.1e}; "
                              "scale the features, lower C or allow more cuts")
        self.objective_, self.bound_ = best, plane.bound()
        return self

    def decision_function(self, X) -> np.ndarray:
        """Scores w_k x, (N, K)."""
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float64, reset=False) @ self.coef_.T + self.intercept_

    def predict(self, X) -> np.ndarray:
        return self.classes_[self.decision_function(X).argmax(1)]


def objective(W: np.ndarray, X: np.ndarray, truth: np.ndarray, C: float) -> float:
    """1/2 |W|^2 + C sum of slacks, for W (K, F) and X (N, F) with the constant feature in it, truth (N,) from 0 to K - 1."""
    return 0.5 * float((W**2).sum()) + C * worst(W, X, truth)[0]


def worst(W: np.ndarray, X: np.ndarray, truth: np.ndarray) -> tuple[float, np.ndarray, float]:
    """Sum of slacks, and the constraint behind it: the most violating class of every sample, summed over the samples.

    Returns (sum of slacks, d (K, F), loss) with sum of slacks = loss - <W, d>.
    """
    rows = np.arange(len(X))
    scores = X @ W.T + 1.0                                                        # (N, K)
    scores[rows, truth] -= 1.0
    rival = scores.argmax(1)
    cut = np.zeros_like(W)
    np.add.at(cut, truth, X)
    np.subtract.at(cut, rival, X)
    return float((scores[rows, rival] - scores[rows, truth]).sum()), cut, float((rival != truth).sum())


class _Planes:
    """The cuts so far and their quadratic problem: max loss.a - 1/2 |a.cuts|^2 over a >= 0, sum a = total."""

    def __init__(self, total: float, shape: tuple[int, int]):
        self.cuts, self.loss, self.a = np.zeros((1, *shape)), np.zeros(1), np.array([total])     # the empty cut: a slack of 0
        self.K = np.zeros((1, 1))

    def add(self, cut: np.ndarray, loss: float):
        self.cuts, self.loss = np.concatenate([self.cuts, cut[None]]), np.append(self.loss, loss)
        side = np.tensordot(self.cuts, cut, 2)
        self.K = np.block([[self.K, side[:-1, None]], [side[None, :-1], side[-1:, None]]])
        self.a = np.append(self.a, 0.0)
        self._solve()

    def _solve(self, steps: int = 20_000):
        """Move weight from the worst cut in use to the best one until both are equally good."""
        slope = self.loss - self.K @ self.a
        for _ in range(steps):
            up = int(slope.argmax())
            down = int(np.where(self.a > 0, slope, np.inf).argmin())
            gain = slope[up] - slope[down]
            if gain <= 1e-9 * max(1.0, abs(slope[up])):
                return
            curve = self.K[up, up] + self.K[down, down] - 2 * self.K[up, down]
            move = self.a[down] if curve * self.a[down] <= gain else gain / curve
            self.a[up] += move
            self.a[down] = 0.0 if move == self.a[down] else self.a[down] - move
            slope -= move * (self.K[up] - self.K[down])

    def weights(self) -> np.ndarray:
        return np.tensordot(self.a, self.cuts, 1)

    def bound(self) -> float:
        """No W has a smaller objective."""
        return float(self.loss @ self.a - 0.5 * self.a @ self.K @ self.a)


def ssvm(C: float = 1.0, **options) -> Pipeline:
    """Features to mean 0 and variance 1, then StructuralSVM. The scaler sees the rows of `fit` only: the training rows."""
    return make_pipeline(StandardScaler(), StructuralSVM(C, **options))


def svm_poly(C: float = 1.0, degree: int = 3) -> Pipeline:
    """The same scaler, then scikit-learn's SVC with a polynomial kernel (gamma x'z + 1)^degree, one against one.

    The text prints neither degree nor C: 3 is scikit-learn's; both are for selection on validation rows.
    """
    return make_pipeline(StandardScaler(), SVC(kernel="poly", degree=degree, C=C, coef0=1.0))
