"""The two support vector machines of chang2021, Tables 4.1 and 4.2: SSVM and SVM (poly).

The text prints no equation for its SSVM; section 3.1 says that "only the worst constraints are
subjected to relevant quadratic optimization". That is the structural machine with a loss of 1 for a
wrong class; with classes for outputs, the multi-class machine of Crammer and Singer (2001):

    min over W and xi >= 0   1/2 |W|^2 + C sum_i xi_i
    with   (w_y(i) - w_k) x_i >= 1 - xi_i   for all i and all k other than y(i)

scikit-learn's LinearSVC(multi_class='crammer_singer') solves this very problem (in the dual, sample
by sample); the tests hold it to the objective and to a cutting-plane solver of their own.
"""

from __future__ import annotations

from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC


def ssvm(C: float = 1.0, *, seed: int = 0, tol: float = 1e-4) -> Pipeline:
    """Features to mean 0 and variance 1 (of the rows given to `fit`), then the structural machine.

    C       weight of the slacks; to be selected on validation rows
    seed    order in which the solver visits the samples; it changes the result within `tol`
    The intercept is the weight of a constant feature of 1 and part of |W|^2. liblinear passes over
    the samples 100,000 times at most; where that does not suffice scikit-learn warns.
    """
    how = {"C": C, "tol": tol, "max_iter": 100_000, "random_state": seed}
    return make_pipeline(StandardScaler(), LinearSVC(multi_class="crammer_singer", **how))


def svm_poly(C: float = 1.0, degree: int = 3) -> Pipeline:
    """The same scaling, then a polynomial kernel (gamma x'z + 1)^degree, one class against one.

    The text prints neither degree nor C: 3 is scikit-learn's; both are selected on validation rows.
    """
    return make_pipeline(StandardScaler(), SVC(kernel="poly", degree=degree, C=C, coef0=1.0))
