"""Diagrams of orgil2021 and of the thesis around it: pipeline, loss, networks, weight mixing."""

from __future__ import annotations

import math

from matplotlib.patches import Arc, Circle, Rectangle

from emolib.reproduction.report.diagrams.sheet import BLUE, DASHED, FAINT, GREEN, INK, ORANGE, Sheet


def pipeline() -> Sheet:
    """From video to valence and arousal (orgil2021, Fig. 1; section 2)."""
    s = Sheet(8.2, 3.5)
    video = s.box(0.75, 1.95, "video", 0.95, 0.5, "data")
    frames = s.box(2.2, 2.75, "frames", 0.95, 0.5, "data")
    sound = s.box(2.2, 0.85, "sound", 0.95, 0.5, "data")
    points = s.box(3.75, 2.75, "key points of\nface and body", 1.35, 0.55, "frozen")
    face = s.box(3.75, 1.8, "face box + 5 px,\nResNet50 features", 1.35, 0.55, "frozen")
    mel = s.box(3.75, 0.85, "mel spectrogram,\n128 bands", 1.35, 0.55, "step")
    vector = s.box(5.25, 1.8, "feature\nvector of\neach frame", 0.9, 0.85, "data")
    network = s.box(6.5, 1.8, "Full, Without\nmel, Audio\nor Pose", 1.05, 0.85)
    output = s.box(7.6, 2.5, "valence,\narousal", 0.85, 0.55, "data")
    loss = s.box(7.6, 1.1, "MSE, CCC or\nnon-inertial", 0.98, 0.55, "loss")
    s.elbow(video.right, frames.left, 1.45)
    s.elbow(video.right, sound.left, 1.45)
    s.chain(frames, points)
    s.arrow(points.bottom, face.top)
    s.chain(sound, mel)
    s.path(points.right, (5.25, 2.75), vector.top)
    s.chain(face, vector)
    s.path(mel.right, (5.25, 0.85), vector.bottom)
    s.chain(vector, network)
    s.path(network.top, (6.5, 2.5), output.left)
    s.arrow(output.bottom, loss.top)
    s.path(loss.left, (6.5, 1.1), network.bottom, colour=ORANGE, style=DASHED)
    s.text(6.62, 0.68, "training", colour=ORANGE)
    s.legend(0.3, 0.32, "data", "frozen", "layer", "step", "loss")
    return s


def non_inertial_loss() -> Sheet:
    """Two tracks in the emotion plane and what the loss compares (orgil2021, Fig. 2; Eq. 3-6)."""
    s = Sheet(6.8, 3.9)
    cx, cy = 1.85, 1.95
    r = 1.6
    s.ax.add_patch(Circle((cx, cy), r, facecolor="none", edgecolor=FAINT, lw=1))
    s.arrow((cx - r - 0.1, cy), (cx + r + 0.15, cy), colour=FAINT)
    s.arrow((cx, cy - r - 0.1), (cx, cy + r + 0.12), colour=FAINT)
    s.aside(cx + r + 0.1, cy + 0.15, "valence", ha="left")
    s.aside(cx + 0.36, cy + r + 0.13, "arousal")
    target = [(cx + 0.25, cy + 0.35), (cx + 0.95, cy + 0.98)]
    guess = [(cx - 0.75, cy + 0.5), (cx - 0.35, cy + 1.15)]
    for points, colour, marker in ((target, BLUE, "o"), (guess, ORANGE, "s")):
        s.arrow(*points, colour=colour)
        s.ax.plot(*zip(*points), ls="", marker=marker, ms=7, color=colour, zorder=6)
    s.ax.plot(*zip(target[1], guess[1]), color=INK, lw=1.2, ls=(0, (2, 2)))
    for point, colour in ((target[1], BLUE), (guess[1], ORANGE)):
        s.ax.plot(*zip((cx, cy), point), color=colour, lw=0.8, ls=(0, (1, 2)))
    first, last = (math.degrees(math.atan2(p[1] - cy, p[0] - cx)) for p in (target[1], guess[1]))
    s.ax.add_patch(Arc((cx, cy), 0.62, 0.62, theta1=first, theta2=last, color=GREEN, lw=1.6))
    s.text(cx + 0.3, cy + 1.2, "1", weight="bold")
    s.text(cx + 0.72, cy + 0.55, "2", weight="bold", colour=BLUE)
    s.text(cx - 0.72, cy + 0.93, "2", weight="bold", colour=ORANGE)
    s.text(cx + 0.1, cy + 0.44, "3", weight="bold", colour=GREEN)
    x = 4.35
    s.ax.plot([x], [3.45], "o", ms=7, color=BLUE)
    s.text(x + 0.15, 3.45, "annotation, before and now", ha="left")
    s.ax.plot([x], [3.2], "s", ms=7, color=ORANGE)
    s.text(x + 0.15, 3.2, "prediction, before and now", ha="left")
    sine = "cross product: sine of the angle,\n0 again when it is 180 degrees"
    for y, name, down, formula, colour in (
        (2.7, "1  distance", 0.23, "squared, summed over both axes", INK),
        (2.05, "2  speed", 0.23, "difference of the two lengths", INK),
        (1.4, "3  direction", 0.3, sine, GREEN),
    ):
        s.text(x - 0.05, y, name, ha="left", weight="bold", colour=colour, size=9)
        s.text(x - 0.05, y - down, formula, ha="left")
    half = "in the printed tables the loss is half of 1\nand a little of 2 and 3"
    s.aside(x - 0.05, 0.55, half, ha="left", style="italic")
    return s


def full_network() -> Sheet:
    """The Full network and what the three smaller ones leave out (orgil2021, Fig. 3; 3.1)."""
    s = Sheet(8.4, 3.9)
    y = 2.6
    resnet = s.box(0.85, y, "ResNet50\n2048", 0.95, 0.55, "frozen")
    face = s.box(0.85, 1.6, "face points\n70 x 2", 0.95, 0.55, "data")
    body = s.box(2.95, 1.6, "body points\n18 x 2", 0.95, 0.55, "data")
    bands = s.box(4.75, 1.6, "mel bands\n128", 0.95, 0.55, "data")
    landmark = s.box(2.2, y, "landmark\n2188\n-> 1024", 0.95, 0.72)
    pose = s.box(3.85, y, "pose\n1060\n-> 512", 0.95, 0.72)
    mel = s.box(5.55, y, "mel\n640\n-> 256", 0.95, 0.72)
    lstm = s.box(6.75, y, "LSTM\n256", 0.8, 0.72)
    head = s.box(7.75, y, "linear\n-> 2", 0.75, 0.72)
    s.chain(resnet, landmark)
    s.elbow(face.right, landmark.at("left", 0.3), 1.52)
    s.chain(landmark, pose)
    s.path(body.top, (2.95, pose.at("left", 0.3)[1]), pose.at("left", 0.3))
    s.chain(pose, mel)
    s.path(bands.top, (4.75, mel.at("left", 0.3)[1]), mel.at("left", 0.3))
    s.chain(mel, lstm, head)
    s.text(7.75, y + 0.55, "valence, arousal")
    block = "each block: linear, BatchNorm, ReLU, Dropout 0.5; one row of features per frame"
    s.aside(4.1, 3.55, block)
    for yy, name, parts in (
        (0.98, "Without mel", "the mel block is left out; pose gives 256"),
        (0.74, "Audio", "mel 128 -> 256, LSTM, linear"),
        (0.50, "Pose", "pose 36 -> 256, LSTM, linear"),
    ):
        s.text(1.4, yy, name, ha="right", weight="bold")
        s.text(1.5, yy, parts, ha="left")
    s.legend(5.3, 0.74, "data", "frozen", "layer")
    return s


def residual_network() -> Sheet:
    """A residual network in one row (orgil2022, Fig. 3.2; section 3.2.1)."""
    s = Sheet(8.4, 2.6)
    y = 1.35
    image = s.box(0.65, y, "face\n224 x 224\nx 3", 0.85, 0.75, "data")
    stem = s.box(1.75, y, "conv 7 x 7\n64, /2", 0.9, 0.75)
    pool = s.box(2.75, y, "max\npool /2", 0.7, 0.75, "step")
    stages = [
        s.box(3.85 + 1.0 * i, y, f"{width}\n{size} x {size}", 0.66, 0.75)
        for i, (width, size) in enumerate(((64, 56), (128, 28), (256, 14), (512, 7)))
    ]
    mean = s.box(7.9, y, "mean,\nlinear\n-> 7", 0.7, 0.75)
    s.chain(image, stem, pool, stages[0])
    s.chain(stages[3], mean)
    s.chain(*stages)
    for stage in stages:
        x0, x1, up = stage.x - 0.42, stage.x + 0.42, y + 0.62
        s.path((x0, y), (x0, up), (x1, up), (x1, y + 0.02), colour=ORANGE)
    shortcut = "shortcuts: the input of a block is added to its output, two to 36 times in a stage"
    s.text(5.3, y + 0.87, shortcut, colour=ORANGE)
    sizes = "channels over size of the picture; the first block of a stage halves the size"
    s.aside(5.3, y - 0.62, sizes)
    s.legend(0.25, 0.3, "data", "layer", "step")
    return s


def transformer() -> Sheet:
    """The transformer that replaces the recurrent stage (orgil2022, Fig. 3.4; section 3.2.3)."""
    s = Sheet(8.4, 4.7)
    mesh = s.box(1.0, 3.75, "face mesh\n468 x 3", 1.5, 0.5, "data")
    face = s.box(1.0, 3.05, "ResNet50 features\nof the face", 1.5, 0.5, "frozen")
    evm = s.box(1.0, 2.35, "ResNet50 features,\ncolour magnified", 1.5, 0.5, "frozen")
    for box, name in ((mesh, "Mesh"), (face, "Feature"), (evm, "EVM")):
        s.aside(1.0, box.y + 0.34, name, weight="bold")
    join = s.box(2.65, 3.05, "linear", 0.8, 0.45)
    for box in (mesh, face, evm):
        s.elbow(box.right, join.left, 2.0)
    s.aside(1.0, 1.82, "one of them, or\nall three: Multi", style="italic")
    place = s.dot(3.4, 3.05)
    s.aside(3.4, 3.4, "position")
    s.chain(join, place)
    s.group(3.75, 1.55, 5.35, 3.85, "encoder, repeated")
    attention = s.box(4.55, 3.05, "self-attention", 1.25, 0.45)
    forward = s.box(4.55, 2.2, "feed-forward", 1.25, 0.45)
    s.chain(place, attention)
    s.arrow(attention.bottom, forward.top)
    s.group(5.75, 0.65, 7.35, 3.85, "decoder, repeated")
    mask = s.box(6.55, 3.05, "self-attention,\nmasked", 1.25, 0.5)
    cross = s.box(6.55, 2.2, "attention to\nthe encoder", 1.25, 0.5)
    after = s.box(6.55, 1.3, "feed-forward", 1.25, 0.45)
    s.arrow(mask.bottom, cross.top)
    s.arrow(cross.bottom, after.top)
    s.chain(forward, cross)
    query = s.box(6.55, 4.35, "queries, one a frame", 1.55, 0.34, "data")
    s.arrow(query.bottom, mask.top)
    out = s.box(7.92, 1.3, "linear\n-> 2", 0.72, 0.5)
    s.chain(after, out)
    s.text(7.92, 0.85, "valence,\narousal")
    s.aside(3.0, 1.2, "added and normalised after each step; 8 sequences of 128 frames")
    choice = "what feeds the decoder is not printed: queries are our choice"
    s.aside(3.0, 0.95, choice, style="italic")
    s.legend(0.3, 0.4, "data", "frozen", "layer", "step")
    return s


def weight_mixing() -> Sheet:
    """Two classifiers become one without the old data (orgil2022, Fig. 3.5; Eq. 3.7-3.11)."""
    s = Sheet(8.4, 3.9)
    old = s.box(0.85, 2.95, "letters\nseen before", 1.1, 0.5, "data")
    new = s.box(0.85, 1.3, "five new\nletters", 1.1, 0.5, "data")
    body = s.box(2.45, 2.12, "body\nconv1 ... fc7\n120 features", 1.25, 0.85, "frozen")
    s.elbow(old.right, body.at("left", 0.7), 1.6, colour=FAINT, style=DASHED)
    s.elbow(new.right, body.at("left", 0.3), 1.6)
    original = s.box(4.25, 2.95, "original fc8\nN + 1 rows", 1.3, 0.55, "frozen")
    fresh = s.box(4.25, 1.3, "new fc8\nK + 1 rows", 1.3, 0.55)
    s.elbow(body.at("right", 0.7), original.left, 3.35)
    s.elbow(body.at("right", 0.3), fresh.left, 3.35)
    left, y = 5.9, 3.1
    width, high = 1.15, 0.17
    rows = (("N known classes", BLUE, 5), ("unknown", INK, 1), ("K new classes", ORANGE, 4))
    for name, colour, count in rows:
        look = {"facecolor": colour, "edgecolor": colour, "alpha": 0.3, "lw": 0.8, "zorder": 3}
        for _ in range(count):
            s.ax.add_patch(Rectangle((left, y), width, high, **look))
            y -= high + 0.03
        middle = y + (high + 0.03) * count / 2 + high / 2
        s.text(left + width + 0.2, middle, name, ha="left", colour=colour)
    s.group(left - 0.12, y + 0.1, left + width + 0.12, 3.42)
    s.text(left + width / 2, 3.6, "fc9, N + K + 1 rows", weight="bold")
    s.elbow(original.right, (left - 0.12, 2.72), 5.35)
    s.elbow(fresh.right, (left - 0.12, 1.62), 5.35)
    mixed = "unknown = alpha x old + (1 - alpha) x new,  alpha = N / (N + K)"
    s.aside(8.15, 0.8, mixed, ha="right")
    corners = ((left + width + 0.12, 3.3), (8.25, 3.3), (8.25, 0.52), (4.35, 0.52))
    s.path(*corners, colour=FAINT, style=DASHED)
    s.aside(3.35, 0.52, "next task: fc9 is the new original")
    s.legend(0.3, 0.22, "data", "frozen", "layer")
    return s
