"""Teaching diagrams of chang2021, chapters 2 and 3: black box, gradients, recurrence, margin, transfer."""

from __future__ import annotations

import numpy as np

from emolib.reproduction.report.diagrams.sheet import BLUE, FAINT, INK, ORANGE, SMALL, Sheet


def black_box() -> Sheet:
    """A system of which only input and output are seen (chang2021, Fig. 2.3; section 2.2)."""
    s = Sheet(6.4, 1.7)
    given = s.box(0.95, 1.0, "stimulus x", 1.1, 0.5, "data")
    box = s.box(3.2, 1.0, "?", 1.5, 0.8, "frozen", size=18, weight="bold")
    out = s.box(5.45, 1.0, "response y", 1.1, 0.5, "data")
    s.arrow(given.right, box.left)
    s.arrow(box.right, out.left)
    s.text(
        3.2, 0.35, "what happens inside is not seen: only pairs (x, y) tell about it", colour=FAINT
    )
    return s


def back_propagation() -> Sheet:
    """Errors flow back through one unit, and through a chain of them (chang2021, Fig. 2.4; section 2.2)."""
    s = Sheet(8.4, 3.7)
    s.text(0.25, 3.5, "one unit", ha="left", weight="bold")
    inputs = [s.dot(0.75, 3.05 - 0.55 * i, f"$x_{i + 1}$", 0.17, "data") for i in range(3)]
    total = s.box(2.4, 2.5, r"$\Sigma\, w_i x_i + b$", 1.1, 0.5)
    squash = s.box(3.95, 2.5, r"$\sigma$", 0.5, 0.5, "step")
    for i, one in enumerate(inputs):
        s.arrow(one.right, total.at("left", (0.8, 0.5, 0.2)[i]))
        s.text(1.28, (3.08, 2.64, 2.36)[i], f"$w_{i + 1}$", size=9)
    s.arrow(total.at("right", 0.7), squash.at("left", 0.7))
    s.arrow(squash.at("right", 0.7), (5.0, 2.6), "A", shift=(0.0, 0.13))
    s.arrow((5.0, 2.4), squash.at("right", 0.3), colour=ORANGE)
    s.arrow(squash.at("left", 0.3), total.at("right", 0.3), colour=ORANGE)
    s.text(4.85, 2.18, r"$\partial L/\partial A$", colour=ORANGE, size=9)
    s.text(
        2.4,
        1.98,
        r"$\partial L/\partial w_i = x_i \cdot \sigma' \cdot \partial L/\partial A$",
        colour=ORANGE,
        size=9,
    )
    s.text(
        5.55,
        3.0,
        "the unit needs only what comes\nfrom its right, its own slope and\nits inputs: so units can be nested",
        ha="left",
    )
    s.text(0.25, 1.55, "a chain of units", ha="left", weight="bold")
    chain = [
        s.box(0.85 + 1.68 * i, 0.85, text, 1.0, 0.5, kind)
        for i, (text, kind) in enumerate(
            (
                ("input", "data"),
                ("layer 1", "layer"),
                ("layer 2", "layer"),
                ("layer 3", "layer"),
                ("loss L", "loss"),
            )
        )
    ]
    for a, b in zip(chain[:-1], chain[1:], strict=True):
        s.arrow(a.at("right", 0.7), b.at("left", 0.7))
        s.arrow(b.at("left", 0.3), a.at("right", 0.3), colour=ORANGE)
    s.text(3.4, 0.33, "forward: values", ha="right")
    s.text(3.9, 0.33, "back: gradients, multiplied link by link", ha="left", colour=ORANGE)
    return s


def recurrent_network() -> Sheet:
    """A recurrent network, folded and unrolled in time (chang2021, Fig. 2.13; section 2.6.1)."""
    s = Sheet(7.6, 2.9)

    def cell(x, t, kind="layer"):
        middle = s.box(x, 1.5, "cell", 0.75, 0.5, kind)
        below = s.dot(x, 0.6, f"$x_{{{t}}}$", 0.21, "data")
        above = s.dot(x, 2.4, f"$y_{{{t}}}$", 0.21, "data")
        s.arrow(below.top, middle.bottom)
        s.arrow(middle.top, above.bottom)
        return middle

    folded = cell(1.0, "t")
    s.path(
        folded.at("right", 0.7),
        (1.7, 1.6),
        (1.7, 1.05),
        (1.0 + 0.2, 1.05),
        (1.2, folded.bottom[1]),
        colour=ORANGE,
    )
    s.text(1.95, 1.32, r"$c_{t-1}$", colour=ORANGE, size=9)
    s.text(2.65, 1.5, "=", size=16)
    cells = [cell(3.4 + 1.3 * i, t) for i, t in enumerate(("1", "2", "3"))]
    for i, (a, b) in enumerate(zip(cells[:-1], cells[1:], strict=True)):
        s.arrow(a.right, b.left, f"$c_{i + 1}$", colour=ORANGE, shift=(0.0, 0.16), size=9)
    s.arrow(cells[-1].right, (7.05, 1.5), "$c_3$", colour=ORANGE, shift=(0.0, 0.16), size=9)
    s.text(7.25, 1.5, "...")
    s.text(
        4.4,
        0.2,
        "the same weights in every step; what a step knows of the past is the state c alone",
        colour=FAINT,
    )
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
    for x, name, sign in (
        (2.0, "f", r"$\sigma$"),
        (3.05, "i", r"$\sigma$"),
        (3.85, "new", "tanh"),
        (4.75, "o", r"$\sigma$"),
    ):
        gates[name] = s.box(x, 1.4, sign, 0.52, 0.36)
        s.arrow((x, 0.95), gates[name].bottom)
    s.path((0.55, 0.95), (4.75, 0.95), head=False)
    s.path((0.55, 0.45), (1.35, 0.45), (1.35, 0.95), head=False)
    s.text(0.45, 1.1, "$h_{t-1}$", size=9)
    s.text(0.4, 0.45, "$x_t$", size=9)
    s.arrow((0.55, top), forget.left)
    s.text(0.45, top + 0.16, "$c_{t-1}$", size=9)
    s.arrow(forget.right, add.left)
    s.arrow(add.right, (7.3, top))
    s.text(7.25, top + 0.16, "$c_t$", size=9)
    s.arrow(gates["f"].top, forget.bottom)
    s.path(gates["i"].top, (3.05, 2.25), enter.left)
    s.arrow(gates["new"].top, enter.bottom)
    s.arrow(enter.top, add.bottom)
    s.arrow((5.55, top), squash.top)
    s.arrow(squash.bottom, gate_out.top)
    s.path(gates["o"].top, (4.75, 1.75), gate_out.left)
    s.arrow(gate_out.right, (7.3, 1.75))
    s.text(7.25, 1.91, "$h_t$", size=9)
    for x, y, text in (
        (2.12, 2.68, "how much of the\nold state stays"),
        (4.02, 2.65, "what is\nadded"),
        (5.72, 1.35, "how much of the\nstate is shown"),
    ):
        s.text(x, y, text, ha="left", colour=FAINT)
    for x, name in ((2.0, "forget"), (3.05, "input"), (3.85, "candidate"), (4.75, "output")):
        s.text(x, 0.6, name, weight="bold")
    s.text(
        3.9,
        0.25,
        "along the upper line the state is only multiplied by the forget gate: gradients survive many steps",
        colour=FAINT,
    )
    return s


def margin() -> Sheet:
    """Support vectors hold the widest street between two classes (chang2021, Fig. 3.3; section 3.1.1)."""
    from sklearn.svm import SVC

    s = Sheet(6.5, 3.9)
    ax = s.fig.add_axes((0.09, 0.13, 0.60, 0.82))
    rng = np.random.default_rng(11)
    a = rng.normal((1.2, 2.6), 0.5, (14, 2))
    b = rng.normal((3.0, 1.2), 0.5, (14, 2))
    points, label = np.vstack([a, b]), np.repeat([0, 1], 14)
    machine = SVC(kernel="linear", C=1e3).fit(points, label)
    (w0, w1), bias = machine.coef_[0], machine.intercept_[0]
    x = np.linspace(-0.2, 4.4, 2)
    for level, style, colour in ((0, "-", INK), (1, (0, (4, 2)), FAINT), (-1, (0, (4, 2)), FAINT)):
        ax.plot(x, (level - bias - w0 * x) / w1, ls=style, color=colour, lw=1.2)
    ax.fill_between(
        x, (1 - bias - w0 * x) / w1, (-1 - bias - w0 * x) / w1, color="#fbf3c4", zorder=0
    )
    ax.plot(*a.T, ls="", marker="o", ms=6, color=BLUE, label="class -1")
    ax.plot(*b.T, ls="", marker="s", ms=6, color=ORANGE, label="class +1")
    ax.plot(
        *machine.support_vectors_.T,
        ls="",
        marker="o",
        ms=13,
        mfc="none",
        mec=INK,
        mew=1.1,
        label="support vectors",
    )
    ax.set(xlim=(0, 4.2), ylim=(0.1, 3.8), xlabel="feature 1", ylabel="feature 2")
    ax.tick_params(labelsize=SMALL)
    s._note("plot", "data", f"28 points, {len(machine.support_vectors_)} support vectors", 2.3, 2.1)
    ax.legend(loc="lower left", bbox_to_anchor=(1.02, 0.76), fontsize=SMALL, frameon=False)
    s.text(4.6, 2.75, r"$w \cdot x + b = 0$ between," + "\n" + r"$\pm 1$ at the edges", ha="left")
    s.text(4.6, 2.2, f"width of the street\n2 / |w| = {2 / np.hypot(w0, w1):.2f}", ha="left")
    s.text(
        4.6,
        1.35,
        "take any other point\naway: nothing changes.\nTake a support vector\naway: the street moves.",
        ha="left",
        colour=FAINT,
    )
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
    for row in ((faces, source, people), (emotions, target, seven)):
        s.arrow(row[0].right, row[1].left)
        s.arrow(row[1].right, row[2].left)
    s.arrow(source.bottom, target.top, colour=ORANGE)
    s.text(3.35, 1.75, "weights move over", colour=ORANGE, ha="left")
    s.text(6.25, 2.55, "source task", ha="left", weight="bold")
    s.text(6.25, 0.95, "target task", ha="left", weight="bold")
    s.text(
        4.0,
        0.42,
        "frozen: only the last layers learn; or the whole network learns on from where it stands",
        colour=FAINT,
    )
    s.text(5.4, 1.75, "the last layer is new", colour=FAINT)
    s.legend(0.3, 3.1, "data", "layer", "frozen")
    return s
