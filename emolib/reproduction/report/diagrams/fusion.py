"""Diagrams of chang2021, chapter 5: why fusion can hurt, the system, N0-N1-N2, many inputs."""

from __future__ import annotations

from emolib.reproduction.report.diagrams.sheet import ORANGE, Sheet


def distorted_gradients() -> Sheet:
    """The gradient of the joint layer reaches both modalities (chang2021, Fig. 5.2; 5.1.3)."""
    s = Sheet(8.0, 3.2)
    bodies = []
    for y, name, state in ((2.45, "image", "fuzzy"), (1.15, "sound", "clear")):
        given = s.box(0.85, y, f"{name},\n{state}", 0.95, 0.55, "data")
        bodies.append(s.box(2.5, y, f"{name} network", 1.3, 0.55))
        s.chain(given, bodies[-1])
    image, sound = bodies
    joint = s.box(4.5, 1.8, "concatenation", 1.2, 0.55, "step")
    head = s.box(6.0, 1.8, "fusion", 0.85, 0.55)
    loss = s.box(7.3, 1.8, "loss", 0.75, 0.55, "loss")
    s.elbow(image.at("right", 0.3), joint.at("left", 0.77), 3.55)
    s.elbow(sound.at("right", 0.7), joint.at("left", 0.23), 3.55)
    s.arrow(joint.at("right", 0.7), head.at("left", 0.7))
    s.arrow(head.at("right", 0.7), loss.at("left", 0.7))
    s.arrow(loss.at("left", 0.3), head.at("right", 0.3), colour=ORANGE)
    s.arrow(head.at("left", 0.3), joint.at("right", 0.3), colour=ORANGE)
    for body, share, end in ((image, 0.78, joint.top), (sound, 0.22, joint.bottom)):
        at = body.at("right", share)
        s.path(end, (end[0], at[1]), at, colour=ORANGE)
    s.text(4.62, 2.6, "forward: each modality gives its features", ha="left")
    back = "back: one error for both. A fuzzy picture\nmoves the weights of the sound network too"
    s.text(4.62, 1.05, back, colour=ORANGE, ha="left")
    s.legend(0.4, 0.4, "data", "layer", "step", "loss")
    return s


def whole_system() -> Sheet:
    """From video and sound to an emotion (chang2021, Fig. 5.3; section 5.2)."""
    s = Sheet(8.4, 4.9)
    normals = []
    for y, given, cnn, name, what, away in (
        (3.65, "frames of\nthe face", "frame", "v", "picture", 1),
        (1.65, "segments of the\nspectrogram", "segment", "a", "sound", -1),
    ):
        source = s.box(0.85, y, given, 1.2, 0.6, "data")
        extract = s.box(2.4, y, f"ResNet-18\non each {cnn}", 1.3, 0.6)
        collect = s.box(3.95, y, "LSTM or\ntransformer", 1.1, 0.6)
        normal = s.box(5.6, y, f"residual\nperceptron {name}", 1.1, 0.6)
        s.chain(source, extract, collect, normal)
        s.text(4.66, y + 0.17, f"$f_{name}$", size=9)
        side = s.box(5.6, y + away * 0.72, f"score of the {what}", 1.45, 0.36)
        out, into = ("top", "bottom")[::away]
        s.path(normal.at(out, 0.5), side.at(into, 0.5))
        normals.append(normal)
    fusion = s.box(6.85, 2.65, "fusion\ncomponent", 0.95, 0.6)
    result = s.box(7.85, 2.65, "emotion", 0.72, 0.45, "data")
    for normal, end in zip(normals, (fusion.top, fusion.bottom)):
        s.path(normal.right, (6.85, normal.y), end)
    s.chain(fusion, result)
    s.aside(6.5, 4.37, "only in training", style="italic", ha="left")
    s.aside(6.5, 0.93, "only in training", style="italic", ha="left")
    s.group(4.8, 0.6, 7.42, 4.75)
    s.aside(2.3, 2.65, "each modality is read on its own,\nthen summed up over time")
    s.aside(5.6, 2.65, "multimodal residual\nperceptron network", weight="bold")
    s.legend(0.3, 0.25, "data", "layer")
    return s


def _design(s: Sheet, x: float, name: str, says: str, side: bool, residual: bool):
    """One of the three designs in a column around `x`."""
    s.text(x, 5.0, name, weight="bold", size=11)
    s.aside(x, 4.75, says)
    ends = {}
    for dx, m in ((-0.72, "v"), (0.72, "a")):
        start = s.dot(x + dx, 0.62, f"$f_{m}$", 0.2, "data")
        norm = s.box(x + dx, 1.2, "FeatureNorm", 1.0, 0.34)
        s.arrow(start.top, norm.bottom)
        ends[m] = _residual(s, norm, -1 if m == "v" else 1) if residual else norm
    fusion = s.box(x, 3.3, "fusion component", 1.25, 0.4)
    centre = s.box(x, 4.2, r"$\mathcal{L}_{va}$", 0.55, 0.36, "loss")
    s.arrow(fusion.top, centre.bottom)
    for m, share in (("v", 0.25), ("a", 0.75)):
        start, target = ends[m].top, fusion.at("bottom", share)
        s.path(start, (start[0], 2.9), (target[0], 2.9), target)
    if side:
        for dx, m in ((-0.98, "v"), (0.98, "a")):
            score = s.box(x + dx, 3.62 + 0.08, "dense", 0.56, 0.3)
            loss = s.box(x + dx, 4.3, rf"$\mathcal{{L}}_{m}$", 0.5, 0.34, "loss")
            start = ends[m].top
            s.path((start[0], 2.9), (x + dx, 2.9), score.bottom)
            s.arrow(score.top, loss.bottom)


def _residual(s: Sheet, norm, outwards: int):
    """A residual perceptron above `norm`: the block on the outer side, the shortcut inside."""
    middle = norm.x + outwards * 0.22
    block = s.box(middle, 1.95, "dense, sigmoid,\nFeatureNorm", 0.98, 0.5, size=8.0)
    add = s.dot(norm.x, 2.55, "+", 0.13)
    inner, outer = (add.right, add.left)[::-outwards]
    s.path(norm.at("top", 0.5 + outwards * 0.22), (middle, block.bottom[1]))
    shortcut = norm.x - outwards * 0.5 * 0.84
    s.path((shortcut, norm.top[1]), (shortcut, 2.55), inner)
    s.path((block.x, block.top[1]), (block.x, 2.55), outer)
    return add


def three_designs() -> Sheet:
    """N0, N1 and N2 as they are trained (chang2021, Fig. 5.4; Eq. 30-32)."""
    s = Sheet(9.0, 5.25)
    _design(s, 1.55, "$N_0$", "the joint score alone", side=False, residual=False)
    _design(s, 4.45, "$N_1$", "side scores of each modality", side=True, residual=False)
    _design(s, 7.45, "$N_2$", "and residual perceptrons", side=True, residual=True)
    fusion = "fusion component: concatenate, FeatureNorm, 1024 -> 256, ReLU, FeatureNorm, "
    s.aside(4.5, 0.2, fusion + "256 -> classes;  the side branches are dropped after training")
    return s


def many_modalities() -> Sheet:
    """The fusion network for any number of modalities and targets (chang2021, Fig. 5.5; 5.2.3)."""
    s = Sheet(8.2, 3.9)
    fusion = s.box(5.3, 2.05, "fusion\ncomponent", 1.1, 0.7)
    for y, m in ((3.3, "1"), (2.4, "2"), (0.9, "M")):
        given = s.box(0.7, y, f"modality {m}", 0.95, 0.4, "data")
        body = s.box(2.0, y, "features over time", 1.35, 0.4)
        block = s.box(3.5, y, "residual\nperceptron", 0.95, 0.5)
        s.chain(given, body, block)
        s.elbow(block.right, fusion.left, 4.35)
        s.path(block.bottom, (3.5, y - 0.42), (3.85, y - 0.42), head=False)
        s.text(3.92, y - 0.42, rf"$\mathcal{{L}}_{m}$", colour=ORANGE, ha="left", size=9)
    s.text(0.7, 1.65, ". . .", size=12)
    s.text(2.0, 1.65, ". . .", size=12)
    for y, text in (
        (3.1, "classes:\ncross-entropy"),
        (2.05, "numbers:\nCCC or MSE"),
        (1.0, "several targets:\none head each"),
    ):
        target = s.box(7.2, y, text, 1.3, 0.55, "loss")
        s.elbow(fusion.right, target.left, 6.2)
    loss = "loss = joint loss + one side loss for each modality; "
    s.aside(4.3, 3.72, loss + "the side losses keep every branch useful on its own")
    s.legend(0.3, 0.22, "data", "layer", "loss")
    return s
