"""The two support vector machines of chang2021: the right problem, really solved, on training rows only."""

import numpy as np
import pytest
from sklearn.datasets import make_classification

from emolib.models import svm


def samples(count, features, classes=4, seed=0):
    X, y = make_classification(
        count,
        features,
        n_informative=features - 1,
        n_redundant=0,
        n_classes=classes,
        n_clusters_per_class=1,
        flip_y=0.1,
        random_state=seed,
    )
    return (X - X.mean(0)) / X.std(0), y


def with_one(X):
    return np.hstack([X, np.ones((len(X), 1))])


def weights(machine):
    return np.hstack([machine[-1].coef_, machine[-1].intercept_[:, None]])


def worst(W, X, truth):
    """Each sample's worst constraint: the class with the largest (w_k - w_y) x + [k is not y], and
    that value, its slack."""
    rows = np.arange(len(X))
    scores = X @ W.T + 1.0
    scores[rows, truth] -= 1.0
    rival = scores.argmax(1)
    return rival, scores[rows, rival] - scores[rows, truth]


def objective(W, X, truth, C):
    """1/2 |W|^2 + C sum of slacks."""
    return 0.5 * float((W**2).sum()) + C * float(worst(W, X, truth)[1].sum())


def cutting_planes(X, y, C, gap):
    """Only the worst constraints: (objective, lower bound) by our own solver, for small problems.

    Each round adds the sum of all samples' worst constraints, d, loss; their quadratic problem, max loss.a -
    1/2 |sum a d|^2 over a >= 0 with sum a = C, is solved by moving weight from the worst cut in use to the best.
    """
    K = y.max() + 1
    D, loss, a, best = np.zeros((1, K * X.shape[1])), np.zeros(1), np.array([float(C)]), np.inf
    for _ in range(1000):
        W = (a @ D).reshape(K, -1)
        best, bound = min(best, objective(W, X, y, C)), loss @ a - 0.5 * (a @ D) @ (a @ D)
        if best - bound <= gap * best:
            return best, bound
        rival = worst(W, X, y)[0]
        side = np.eye(K)[y] - np.eye(K)[rival]
        D, loss, a = (
            np.vstack([D, (side.T @ X).ravel()]),
            np.append(loss, (rival != y).sum()),
            np.append(a, 0.0),
        )
        gram = D @ D.T
        slope = loss - gram @ a
        for _ in range(20_000):
            up, down = slope.argmax(), np.where(a > 0, slope, np.inf).argmin()
            if slope[up] - slope[down] <= 1e-7 * best / C:
                break
            curve = gram[up, up] + gram[down, down] - 2 * gram[up, down]
            move = min(a[down], (slope[up] - slope[down]) / max(curve, 1e-30))
            a[up], a[down] = a[up] + move, a[down] - move
            slope -= move * (gram[up] - gram[down])
    raise AssertionError("the cuts do not suffice")


@pytest.mark.parametrize("C", [0.001, 0.05])
def test_scikit_learn_solves_the_structural_problem(C):
    X, y = samples(120, 5)
    best, bound = cutting_planes(with_one(X), y, C, 1e-4)
    theirs = objective(weights(svm.ssvm(C, tol=1e-8).fit(X, y)), with_one(X), y, C)
    assert (
        bound * (1 - 1e-9) <= theirs <= best * (1 + 1e-6)
    )  # between what nobody can beat and what our own solver reached
    assert best - bound <= 1e-4 * best


def test_the_worst_constraint_by_hand():
    W, X = (
        np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]),
        np.array([[3.0, 0.0], [0.5, 0.2], [0.0, 2.0]]),
    )
    rival, slack = worst(W, X, np.array([0, 0, 0]))
    assert rival.tolist() == [0, 1, 1]  # well inside, inside the margin, wrong
    assert slack == pytest.approx([0.0, 0.7, 3.0])
    assert objective(W, X, np.array([0, 0, 0]), C=2.0) == pytest.approx(0.5 * 2 + 2 * 3.7)


@pytest.mark.parametrize("machine", [svm.ssvm(), svm.svm_poly()], ids=["ssvm", "poly"])
def test_the_scaler_sees_training_rows_only(machine):
    X, y = samples(200, 6)
    train, test = slice(0, 120), slice(120, None)
    machine.fit(X[train] * 10 + 3, y[train])
    seen = machine[0].transform(X[train] * 10 + 3)
    assert seen.mean(0) == pytest.approx(0, abs=1e-12) and seen.std(0) == pytest.approx(1)
    alone = machine.predict(X[test][:1] * 10 + 3)
    assert alone == machine.predict(X[test] * 10 + 3)[:1]  # other test rows change nothing


@pytest.mark.parametrize(
    "machine,least", [(svm.ssvm(), 0.75), (svm.svm_poly(), 0.75)], ids=["ssvm", "poly"]
)
def test_they_learn_and_do_not_care_about_units(machine, least):
    X, y = samples(600, 8)
    right = (machine.fit(X[:400], y[:400]).predict(X[400:]) == y[400:]).mean()
    scaled = (machine.fit(X[:400] * 100 - 7, y[:400]).predict(X[400:] * 100 - 7) == y[400:]).mean()
    assert right >= least and scaled == pytest.approx(right, abs=0.011)
    shuffled = np.random.default_rng(0).permutation(y)
    assert (machine.fit(X[:400], shuffled[:400]).predict(X[400:]) == shuffled[400:]).mean() < 0.4


def test_polynomial_machine_bends_and_the_linear_one_does_not():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (400, 2))
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    assert svm.svm_poly(10, 2).fit(X, y).score(X, y) > 0.95
    assert svm.ssvm().fit(X, y).score(X, y) < 0.7
