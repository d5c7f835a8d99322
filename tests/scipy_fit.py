"""The same Candide fits by SciPy, one face at a time: the reference of test_candide.py and bench_candide.py.

Written for the rotation vector itself, not for small turns, so that it shares nothing with emolib.candide
but the basis.
"""

import numpy as np
from scipy.optimize import least_squares


def skew(v):
    return np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])


def rotation(w):
    angle = np.sqrt(w @ w)
    if angle < 1e-9:
        return np.eye(3) + skew(w)
    k = skew(w / angle)
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)


def turning(w):
    """d(R v)/dw = -R [v]x turning(w)."""
    angle, k = np.sqrt(w @ w), skew(w)
    if angle < 1e-5:
        return np.eye(3) - 0.5 * k
    return (
        np.eye(3)
        - (1 - np.cos(angle)) / angle**2 * k
        + (angle - np.sin(angle)) / angle**3 * (k @ k)
    )


def residual(x, rest, units, y):
    """x: scale, rotation vector, shift, units. rest (35, 3), units (U, 35, 3), y (35, 2) with y up."""
    v = rest + np.tensordot(x[6:], units, 1)
    return (x[0] * (v @ rotation(x[1:4])[:2].T) + x[4:6] - y).ravel()


def derivative(x, rest, units, y):
    v, R = rest + np.tensordot(x[6:], units, 1), rotation(x[1:4])
    J = np.zeros((len(rest), 2, len(x)))
    J[:, :, 0] = v @ R[:2].T
    sides = np.zeros((len(rest), 3, 3))
    sides[:, 0, 1], sides[:, 0, 2], sides[:, 1, 2] = -v[:, 2], v[:, 1], -v[:, 0]
    sides -= sides.transpose(0, 2, 1)
    J[:, :, 1:4] = -x[0] * (R[:2] @ sides @ turning(x[1:4]))
    J[:, 0, 4] = J[:, 1, 5] = 1
    J[:, :, 6:] = x[0] * (units @ R[:2].T).transpose(1, 2, 0)
    return J.reshape(-1, len(x))


def fit(rest, units, y, analytic=True, **options):
    """least_squares from the start of Eq. 17-20; `fun` of the result has the residuals."""
    flat, centred = (rest - rest.mean(0))[:, :2], y - y.mean(0)
    x = np.zeros(6 + len(units))
    x[0] = (flat * centred).sum() / (flat * flat).sum()
    x[4:6] = y.mean(0) - x[0] * rest.mean(0)[:2]
    options = {"method": "lm"} | options
    return least_squares(
        residual, x, jac=derivative if analytic else "2-point", args=(rest, units, y), **options
    )


def problems(basis, count, seed, *, noise=0.5, turn=0.25, low=-1.0):
    """Faces of a known pose and units (the last 8 columns of `basis`): points (B, 35, 2) with y up, units (B, 8)."""
    rng = np.random.default_rng(seed)
    scale, shift, w = (
        rng.uniform(60, 120, count),
        rng.normal(0, 20, (count, 2)),
        rng.normal(0, turn, (count, 3)),
    )
    units = rng.uniform(low, 1, (count, 8))
    x = np.concatenate([scale[:, None], w, shift, units], 1)
    exact = np.stack([residual(row, basis[0], basis[-8:], 0.0).reshape(-1, 2) for row in x])
    return exact + rng.normal(0, noise, exact.shape), x
