"""Drawings in the plane of valence and arousal: outputs, paths, a wheel, a path that moves."""

from __future__ import annotations

import base64
import html
import io
import zlib

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from emolib.reproduction.report.plots.style import COLOURS, DASHES, MARKERS, legend, styled, unique

# fmt: off
HUES = {
    "Anger": "#D55E00", "Contempt": "#8C8C00", "Disgust": "#009E73", "Embarrass": "#CC79A7",
    "Fear": "#6A3D9A", "Joy": "#E69F00", "Neutral": "#7F7F7F", "Pride": "#B15928",
    "Sadness": "#0072B2", "Surprise": "#56B4E9",
}
# fmt: on


def _plane(ax, anchors: pd.DataFrame, *, names: bool = True, size: float = 6.0):
    """Axes from -1.1 to 1.1 with the anchors (index emotion; valence, arousal) as crosses."""
    ax.axhline(0, color="0.8", lw=0.6, zorder=0)
    ax.axvline(0, color="0.8", lw=0.6, zorder=0)
    beside = {"xytext": (3, 3), "textcoords": "offset points", "color": "0.25", "zorder": 5}
    for emotion, point in anchors.iterrows():
        ax.plot(point.valence, point.arousal, "+", color=HUES[emotion], ms=7, mew=1.6, zorder=4)
        if names:
            ax.annotate(emotion, (point.valence, point.arousal), fontsize=size, **beside)
    ax.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), aspect="equal")
    ax.grid(False)


@styled
def outputs(frame: pd.DataFrame, anchors: pd.DataFrame):
    """Figure 5 of yin2022: the points of all frames, a panel per emotion and group of `people`.

    Colour and mark say whether the film's vote was right.
    """
    groups = unique(frame.people)
    size = (10, 4.2 * len(groups))
    fig, axes = plt.subplots(2 * len(groups), 5, figsize=size, sharex=True, sharey=True)
    small = {"ms": 3, "mew": 0.6, "alpha": 0.6, "rasterized": True}
    shown = [(group, emotion) for group in groups for emotion in anchors.index]
    for ax, (group, emotion) in zip(axes.flat, shown):
        part = frame[(frame.people == group) & (frame.emotion == emotion)]
        _plane(ax, anchors.loc[[emotion]], names=False)
        for right, mark, colour in ((False, ".", COLOURS[0]), (True, "x", COLOURS[5])):
            at, label = part[part.right == right], f"film named {'right' if right else 'wrong'}"
            ax.plot(at.valence, at.arousal, mark, color=colour, label=label, **small)
        ax.set_title(f"{emotion}, {group}", fontsize=8)
    legend(fig, axes[0, 0], 2)
    return _labelled(fig)


def _labelled(fig):
    fig.supxlabel("valence", fontsize=9)
    fig.supylabel("arousal", fontsize=9)
    return fig


def _by_emotion(frame: pd.DataFrame, width: float, height: float):
    """A figure with a row of panels per group of people; (axes, part of the frame) of each."""
    emotions, groups = unique(frame.emotion), unique(frame.people)
    shape, size = (len(groups), len(emotions)), (width * len(emotions), height * len(groups))
    fig, axes = plt.subplots(*shape, figsize=size, sharex=True, sharey=True, squeeze=False)
    filled = []
    for (g, k), ax in np.ndenumerate(axes):
        ax.set_title(f"{emotions[k]}, {groups[g]}", fontsize=9)
        filled.append((ax, frame[(frame.people == groups[g]) & (frame.emotion == emotions[k])]))
    return fig, filled


@styled
def paths(frame: pd.DataFrame, anchors: pd.DataFrame):
    """Figure 6: one film a panel as a path in the hue of what it is named, every 15th frame."""
    fig, filled = _by_emotion(frame, 3.0, 3.2)
    for ax, path in filled:
        _one_path(ax, path, anchors, every=15)
    return _labelled(fig)


def _one_path(ax, path: pd.DataFrame, anchors: pd.DataFrame, every: int):
    _plane(ax, anchors, size=5.5)
    ax.plot(path.valence, path.arousal, color="0.6", lw=0.8, zorder=2)
    ax.scatter(path.valence, path.arousal, c=[HUES[n] for n in path.named], s=14, lw=0, zorder=3)
    apart = int(np.median(np.diff(path.frame))) if len(path) > 1 else 1
    below = {"xytext": (-3, -7), "textcoords": "offset points", "fontsize": 5.5, "zorder": 6}
    for row in path.iloc[:: max(1, every // max(1, apart))].itertuples():
        ax.annotate(str(row.frame), (row.valence, row.arousal), **below)


@styled
def one_path(path: pd.DataFrame, anchors: pd.DataFrame, *, title: str):
    """One path, large, with its two coordinates over time below: `emolib trace` draws this."""
    fig, (ax, below) = plt.subplots(2, 1, figsize=(6.4, 8.4), height_ratios=(3, 1))
    _one_path(ax, path, anchors, every=max(1, int(path.frame.iloc[-1]) // 12))
    ax.set(title=title, xlabel="valence", ylabel="arousal")
    for name, colour, dash in (("valence", COLOURS[0], "-"), ("arousal", COLOURS[1], "--")):
        below.plot(path.second, path[name], dash, color=colour, lw=1.2, label=name)
    below.set(xlabel="time (s)", ylabel="-1 to 1", ylim=(-1.15, 1.15))
    below.legend(ncols=2)
    return fig


@styled
def subjects(frame: pd.DataFrame, anchors: pd.DataFrame):
    """Figure 7: all people showing one emotion, one line a person, a dot where the film ends."""
    fig, filled = _by_emotion(frame, 4.2, 4.2)
    for ax, part in filled:
        _plane(ax, anchors)
        for i, (_, path) in enumerate(part.groupby("person", sort=False)):
            colour, end = COLOURS[i % 8], path.iloc[-1]
            ax.plot(path.valence, path.arousal, color=colour, lw=0.8, alpha=0.8)
            ax.plot(end.valence, end.arousal, "o", color=colour, ms=4)
    return _labelled(fig)


@styled
def emotion_wheel(frame: pd.DataFrame, states: dict[str, tuple[float, float]]):
    """Annotation and prediction of a video on a wheel of states; their distance over time.

    frame    point ('annotation', 'prediction'), second, valence, arousal, state, measured
             (distance to the state), apart, shown (the one moment that is drawn large)
    states   word -> place
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(10.5, 5.2), width_ratios=(1.25, 1))
    large, above = set(frame.state[frame.shown]), {"ha": "center", "va": "bottom"}
    for word, (x, y) in states.items():
        left.plot(x, y, ".", color="0.65", ms=3)
        if word not in large:
            left.text(x, y + 0.02, word, fontsize=6.5, color="0.4", **above)
    for i, (name, track) in enumerate(frame.groupby("point", sort=False)):
        colour, now = COLOURS[i], track[track.shown].iloc[0]
        x, y = states[now.state]
        thin = {"lw": 0.9, "alpha": 0.7, "label": f"{name}, whole video"}
        left.plot(track.valence, track.arousal, color=colour, **thin)
        left.plot([now.valence, x], [now.arousal, y], color=colour, lw=1.4, ls=DASHES[1 - i])
        label = f"at {now.second:.1f} s: {now.state}, {now.measured:.2f} away"
        mark = {"mec": "black", "ms": 9, "label": label}
        left.plot(now.valence, now.arousal, MARKERS[i], color=colour, **mark)
        left.text(x, y + 0.02, now.state, fontsize=8, weight="bold", color=colour, **above)
    left.add_patch(plt.Circle((0, 0), 1, fill=False, color="0.4", lw=0.8))
    left.set(aspect="equal", xlim=(-1.06, 1.06), ylim=(-1.06, 1.06))
    left.set(xticks=[-1, 0, 1], yticks=[-1, 0, 1], xlabel="valence", ylabel="arousal")
    left.grid(False)
    track = frame[frame.point == "annotation"]
    alike = track.state.to_numpy() == frame[frame.point == "prediction"].state.to_numpy()
    farthest, moment = track.apart.max(), track[track.shown].second.iloc[0]
    right.plot(track.second, track.apart, color=COLOURS[6], lw=1.1)
    label = f"both named alike: {100 * alike.mean():.0f} % of the frames"
    green = {"color": COLOURS[2], "alpha": 0.2, "lw": 0, "label": label}
    right.fill_between(track.second, 0, farthest, where=alike, step="mid", **green)
    label = "the moment on the left (median distance)"
    right.axvline(moment, color="0.4", lw=0.8, ls=":", label=label)
    right.set(xlabel="time (s)", ylabel="distance of prediction and annotation")
    right.set(ylim=(0, 1.25 * farthest))
    right.legend(loc="upper right", fontsize=7.5)
    legend(fig, left, 2)
    return fig


# ---------------------------------------------------------------- a path that moves


class Moving:
    """A drawing for a browser: SVG that moves by its own animation (no script, nothing fetched)."""

    def __init__(self, text: str, title: str):
        self.html, self.title = text, html.escape(title)

    def _repr_html_(self) -> str:
        return self.html


def moving(
    path: pd.DataFrame, images: np.ndarray, anchors: pd.DataFrame, *, title: str, source: str
) -> Moving:
    """One path with its pictures: the pointer on a point shows its frame.

    `play` sends a ring along the path, at the film's own pace.

    path     one row per point: frame, second, valence, arousal, named
    images   uint8 (len(path), H, W, 3)
    """
    x, y = (260 + sign * 220 * path[k].to_numpy(float) for k, sign in _AXES)
    line = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y))
    time = path.second.to_numpy(float) - path.second.iloc[0]
    keys = ";".join(f"{t:.4f}" for t in np.minimum(time / max(time[-1], 1e-9), 1))
    # ids of its own: a page may hold several
    shelf = f"p{zlib.crc32((title + line).encode()):08x}-"
    run = f'keyTimes="{keys}" dur="{max(float(time[-1]), 1.0):.2f}s" begin="{shelf}play.click" '
    run += 'fill="freeze" calcMode="discrete"'

    def animate(attribute: str, values) -> str:
        return f'<animate attributeName="{attribute}" values="{";".join(values)}" {run}/>'

    ring = animate("cx", [f"{v:.1f}" for v in x]) + animate("cy", [f"{v:.1f}" for v in y])
    film = animate("href", [f"#{shelf}{k}" for k in range(len(x))])
    pictures, dots = "", ""
    for k, row in enumerate(path.itertuples()):
        told = f"frame {row.frame}, {row.second:.2f} s: {row.named}"
        pictures += (
            f'<image id="{shelf}{k}" href="data:image/jpeg;base64,{_jpeg(images[k])}" '
            'x="530" y="70" width="240" height="240"/>'
        )
        dots += (
            f'<g class="at"><circle cx="{x[k]:.1f}" cy="{y[k]:.1f}" r="5" fill="{HUES[row.named]}">'
            f'<title>{told}</title></circle><g class="seen"><use href="#{shelf}{k}"/>'
            f'<text x="530" y="335" class="big">{told}</text></g></g>'
        )
    marks = "".join(_mark(name, anchor) for name, anchor in anchors.iterrows())
    text = f"""<style>
.emolib-path text {{font: 11px sans-serif; fill: #444}} .emolib-path .big {{font-size: 14px}}
.emolib-path .seen {{visibility: hidden}} .emolib-path .at:hover .seen {{visibility: visible}}
.emolib-path .play {{cursor: pointer}}</style>
<svg class="emolib-path" viewBox="0 0 790 520" width="790" style="max-width:100%;background:white"
 role="img" aria-label="{html.escape(title)}">
<title>{html.escape(title)}</title><defs>{pictures}</defs>
<path d="M10 260h500M260 10v500" stroke="#ccc"/>
<text x="455" y="275">valence</text><text x="266" y="20">arousal</text>
<polyline points="{line}" fill="none" stroke="#aaa"/>
{marks}<use href="#{shelf}0">{film}</use>{dots}
<circle r="9" cx="{x[0]:.1f}" cy="{y[0]:.1f}" fill="none" stroke="black" stroke-width="2.5">
{ring}</circle>
<text x="530" y="30" class="big">{html.escape(title)}</text>
<text x="10" y="512">{html.escape(source)}</text>
<g id="{shelf}play" class="play">
<rect x="530" y="360" width="90" height="34" rx="6" fill="#0072B2"/>
<text x="556" y="382" class="big" style="fill:white">play</text></g>
</svg>"""
    return Moving(text, title)


_AXES = (("valence", 1), ("arousal", -1))  # right and down the screen


def _mark(name: str, anchor: pd.Series) -> str:
    """A cross with its name, as SVG."""
    x, y = (260 + sign * 220 * anchor[k] for k, sign in _AXES)
    word = html.escape(name)
    return (
        f'<g><title>{word}</title><path d="M{x:.1f} {y - 6:.1f}v12m-6 -6h12" '
        f'stroke="{HUES[name]}" stroke-width="2"/>'
        f'<text x="{x + 6:.1f}" y="{y - 6:.1f}">{word}</text></g>'
    )


def _jpeg(image: np.ndarray) -> str:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(image).save(out, "JPEG", quality=80)
    return base64.b64encode(out.getvalue()).decode()
