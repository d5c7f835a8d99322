"""Teaching diagrams of chang2021, chapters 2 and 3."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from emolib.reproduction.report.diagrams.sheet import (
    BLUE,
    DASHED,
    FAINT,
    INK,
    KINDS,
    ORANGE,
    SMALL,
    Sheet,
)


def black_box() -> Sheet:
    """A system of which only input and output are seen (chang2021, Fig. 2.3; section 2.2)."""
    s = Sheet(6.4, 1.7)
    given = s.box(0.95, 1.0, "stimulus x", 1.1, 0.5, "data")
    box = s.box(3.2, 1.0, "?", 1.5, 0.8, "frozen", size=18, weight="bold")
    out = s.box(5.45, 1.0, "response y", 1.1, 0.5, "data")
    s.chain(given, box, out)
    s.aside(3.2, 0.35, "what happens inside is not seen: only pairs (x, y) tell about it")
    return s


def back_propagation() -> Sheet:
    """Errors flow back through a unit, and through a chain of them (chang2021, Fig. 2.4; 2.2)."""
    s = Sheet(8.4, 3.7)
    s.text(0.25, 3.5, "one unit", ha="left", weight="bold")
    inputs = [s.dot(0.75, 3.05 - 0.55 * i, f"$x_{i + 1}$", 0.17, "data") for i in range(3)]
    total = s.box(2.4, 2.5, r"$\Sigma\, w_i x_i + b$", 1.1, 0.5)
    squash = s.box(3.95, 2.5, r"$\sigma$", 0.5, 0.5, "step")
    for i, one in enumerate(inputs):
        s.arrow(one.right, total.at("left", (0.8, 0.5, 0.2)[i]))
        s.text(1.28, (3.08, 2.64, 2.36)[i], f"$w_{i + 1}$", size=9)
    s.arrow(total.at("right", 0.7), squash.at("left", 0.7))
    s.arrow(squash.at("right", 0.7), (5.0, 2.6), "A", shift=0.13)
    s.arrow((5.0, 2.4), squash.at("right", 0.3), colour=ORANGE)
    s.arrow(squash.at("left", 0.3), total.at("right", 0.3), colour=ORANGE)
    s.text(4.85, 2.18, r"$\partial L/\partial A$", colour=ORANGE, size=9)
    slope = r"$\partial L/\partial w_i = x_i \cdot \sigma' \cdot \partial L/\partial A$"
    s.text(2.4, 1.98, slope, colour=ORANGE, size=9)
    needs = "the unit needs only what comes\nfrom its right, its own slope and\n"
    s.text(5.55, 3.0, needs + "its inputs: so units can be nested", ha="left")
    s.text(0.25, 1.55, "a chain of units", ha="left", weight="bold")
    names = ("input", "layer 1", "layer 2", "layer 3", "loss L")
    kinds = ("data", "layer", "layer", "layer", "loss")
    chain = [
        s.box(0.85 + 1.68 * i, 0.85, name, 1.0, 0.5, kind)
        for i, (name, kind) in enumerate(zip(names, kinds))
    ]
    for a, b in pairwise(chain):
        s.arrow(a.at("right", 0.7), b.at("left", 0.7))
        s.arrow(b.at("left", 0.3), a.at("right", 0.3), colour=ORANGE)
    s.text(3.4, 0.33, "forward: values", ha="right")
    s.text(3.9, 0.33, "back: gradients, multiplied link by link", ha="left", colour=ORANGE)
    return s


def recurrent_network() -> Sheet:
    """A recurrent network, folded and unrolled in time (chang2021, Fig. 2.13; section 2.6.1)."""
    s = Sheet(7.6, 2.9)

    def cell(x, t):
        middle = s.box(x, 1.5, "cell", 0.75, 0.5)
        below = s.dot(x, 0.6, f"$x_{{{t}}}$", 0.21, "data")
        above = s.dot(x, 2.4, f"$y_{{{t}}}$", 0.21, "data")
        s.arrow(below.top, middle.bottom)
        s.arrow(middle.top, above.bottom)
        return middle

    folded = cell(1.0, "t")
    loop = (folded.at("right", 0.7), (1.7, 1.6), (1.7, 1.05), (1.2, 1.05), (1.2, folded.bottom[1]))
    s.path(*loop, colour=ORANGE)
    s.text(1.95, 1.32, r"$c_{t-1}$", colour=ORANGE, size=9)
    s.text(2.65, 1.5, "=", size=16)
    cells = [cell(3.4 + 1.3 * i, t) for i, t in enumerate(("1", "2", "3"))]
    for i, (a, b) in enumerate(pairwise(cells)):
        s.arrow(a.right, b.left, f"$c_{i + 1}$", colour=ORANGE, shift=0.16, size=9)
    s.arrow(cells[-1].right, (7.05, 1.5), "$c_3$", colour=ORANGE, shift=0.16, size=9)
    s.text(7.25, 1.5, "...")
    state = "the same weights in every step; what a step knows of the past is the state c alone"
    s.aside(4.4, 0.2, state)
    return s


def lstm_cell() -> Sheet:
    """The cell of a long short-term memory (chang2021, Fig. 2.14; Eq. 6-11)."""
    s = Sheet(7.8, 3.9)
    s.group(1.1, 0.75, 6.75, 3.45)
    top = 3.05
    forget = s.dot(2.0, top, r"$\times$", 0.16)
    add = s.dot(3.85, top, "+", 0.16)
    squash = s.box(5.55, 2.35, "tanh", 0.5, 0.34, "step")
    gate_out = s.dot(5.55, 1.75, r"$\times$", 0.16)
    enter = s.dot(3.85, 2.25, r"$\times$", 0.16)
    gates = {}
    for x, name in ((2.0, "forget"), (3.05, "input"), (3.85, "candidate"), (4.75, "output")):
        gates[name] = s.box(x, 1.4, "tanh" if name == "candidate" else r"$\sigma$", 0.52, 0.36)
        s.arrow((x, 0.95), gates[name].bottom)
    s.path((0.55, 0.95), (4.75, 0.95), head=False)
    s.path((0.55, 0.45), (1.35, 0.45), (1.35, 0.95), head=False)
    s.text(0.45, 1.1, "$h_{t-1}$", size=9)
    s.text(0.4, 0.45, "$x_t$", size=9)
    s.arrow((0.55, top), forget.left)
    s.text(0.45, top + 0.16, "$c_{t-1}$", size=9)
    s.chain(forget, add)
    s.arrow(add.right, (7.3, top))
    s.text(7.25, top + 0.16, "$c_t$", size=9)
    s.arrow(gates["forget"].top, forget.bottom)
    s.path(gates["input"].top, (3.05, 2.25), enter.left)
    s.arrow(gates["candidate"].top, enter.bottom)
    s.arrow(enter.top, add.bottom)
    s.arrow((5.55, top), squash.top)
    s.arrow(squash.bottom, gate_out.top)
    s.path(gates["output"].top, (4.75, 1.75), gate_out.left)
    s.arrow(gate_out.right, (7.3, 1.75))
    s.text(7.25, 1.91, "$h_t$", size=9)
    s.aside(2.12, 2.68, "how much of the\nold state stays", ha="left")
    s.aside(4.02, 2.65, "what is\nadded", ha="left")
    s.aside(5.72, 1.35, "how much of the\nstate is shown", ha="left")
    for name, gate in gates.items():
        s.text(gate.x, 0.6, name, weight="bold")
    line = "along the upper line the state is only multiplied by the forget gate: "
    s.aside(3.9, 0.25, line + "gradients survive many steps")
    return s


def margin() -> Sheet:
    """Support vectors hold the widest street between two classes (chang2021, Fig. 3.3; 3.1.1)."""
    from sklearn.svm import SVC

    s = Sheet(6.5, 3.9)
    ax = s.fig.add_axes((0.09, 0.13, 0.60, 0.82))
    rng = np.random.default_rng(11)
    a = rng.normal((1.2, 2.6), 0.5, (14, 2))
    b = rng.normal((3.0, 1.2), 0.5, (14, 2))
    machine = SVC(kernel="linear", C=1e3).fit(np.vstack([a, b]), np.repeat([0, 1], 14))
    (w0, w1), bias = machine.coef_[0], machine.intercept_[0]
    x = np.linspace(-0.2, 4.4, 2)
    middle, upper, lower = ((level - bias - w0 * x) / w1 for level in (0, 1, -1))
    ax.plot(x, middle, color=INK, lw=1.2)
    for edge in (upper, lower):
        ax.plot(x, edge, ls=DASHED, color=FAINT, lw=1.2)
    ax.fill_between(x, upper, lower, color=KINDS["step"]["facecolor"], zorder=0)
    ax.plot(*a.T, ls="", marker="o", ms=6, color=BLUE, label="class -1")
    ax.plot(*b.T, ls="", marker="s", ms=6, color=ORANGE, label="class +1")
    vectors = machine.support_vectors_
    ring = {"ls": "", "marker": "o", "ms": 13, "mfc": "none", "mec": INK, "mew": 1.1}
    ax.plot(*vectors.T, label="support vectors", **ring)
    ax.set(xlim=(0, 4.2), ylim=(0.1, 3.8), xlabel="feature 1", ylabel="feature 2")
    ax.tick_params(labelsize=SMALL)
    s.note("plot", "data", f"28 points, {len(vectors)} support vectors", 2.3, 2.1)
    ax.legend(loc="lower left", bbox_to_anchor=(1.02, 0.76), fontsize=SMALL, frameon=False)
    s.text(4.6, 2.75, "$w \\cdot x + b = 0$ between,\n$\\pm 1$ at the edges", ha="left")
    s.text(4.6, 2.2, f"width of the street\n2 / |w| = {2 / np.hypot(w0, w1):.2f}", ha="left")
    away = "take any other point\naway: nothing changes.\n"
    s.aside(4.6, 1.35, away + "Take a support vector\naway: the street moves.", ha="left")
    return s


def transfer() -> Sheet:
    """What one task has learned starts the next (chang2021, Fig. 3.9; section 3.3)."""
    s = Sheet(8.0, 3.3)
    faces = s.box(0.95, 2.55, "many faces,\nwho is it?", 1.2, 0.55, "data")
    emotions = s.box(0.95, 0.95, "few faces,\nwhat emotion?", 1.2, 0.55, "data")
    source = s.box(3.2, 2.55, "features", 1.6, 0.55)
    target = s.box(3.2, 0.95, "features", 1.6, 0.55, "frozen")
    people = s.box(5.4, 2.55, "2,622 people", 1.2, 0.55)
    seven = s.box(5.4, 0.95, "7 emotions", 1.2, 0.55)
    s.chain(faces, source, people)
    s.chain(emotions, target, seven)
    s.arrow(source.bottom, target.top, colour=ORANGE)
    s.text(3.35, 1.75, "weights move over", colour=ORANGE, ha="left")
    s.text(6.25, 2.55, "source task", ha="left", weight="bold")
    s.text(6.25, 0.95, "target task", ha="left", weight="bold")
    frozen = (
        "frozen: only the last layers learn; or the whole network learns on from where it stands"
    )
    s.aside(4.0, 0.42, frozen)
    s.aside(5.4, 1.75, "the last layer is new")
    s.legend(0.3, 3.1, "data", "layer", "frozen")
    return s
