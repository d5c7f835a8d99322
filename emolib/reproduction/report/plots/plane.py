"""Drawings in the plane of valence and arousal: outputs, paths, and a path that moves."""

from __future__ import annotations

import base64
import html
import io
import zlib

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from emolib.reproduction.report.plots.style import COLOURS, foot, styled

HUES = dict(
    zip(
        (
            "Anger",
            "Contempt",
            "Disgust",
            "Embarrass",
            "Fear",
            "Joy",
            "Neutral",
            "Pride",
            "Sadness",
            "Surprise",
        ),
        (
            "#D55E00",
            "#8C8C00",
            "#009E73",
            "#CC79A7",
            "#6A3D9A",
            "#E69F00",
            "#7F7F7F",
            "#B15928",
            "#0072B2",
            "#56B4E9",
        ),
    )
)


def _plane(ax, anchors: pd.DataFrame, *, names: bool = True, size: float = 6.0):
    """Axes from -1.1 to 1.1 with the anchors (index emotion; valence, arousal) as crosses."""
    ax.axhline(0, color="0.8", lw=0.6, zorder=0)
    ax.axvline(0, color="0.8", lw=0.6, zorder=0)
    for emotion, point in anchors.iterrows():
        ax.plot(point.valence, point.arousal, "+", color=HUES[emotion], ms=7, mew=1.6, zorder=4)
        if names:
            ax.annotate(
                emotion,
                (point.valence, point.arousal),
                xytext=(3, 3),
                textcoords="offset points",
                fontsize=size,
                color="0.25",
                zorder=5,
            )
    ax.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), aspect="equal")
    ax.grid(False)


@styled
def outputs(frame: pd.DataFrame, anchors: pd.DataFrame):
    """Figure 5 of yin2022: the points of all frames, one panel per emotion and group of `people`; right and wrong by the film's vote."""
    emotions, groups = list(anchors.index), list(dict.fromkeys(frame.people))
    fig, axes = plt.subplots(
        2 * len(groups), 5, figsize=(10, 4.2 * len(groups)), sharex=True, sharey=True
    )
    for g, group in enumerate(groups):
        for k, emotion in enumerate(emotions):
            ax = axes[2 * g + k // 5, k % 5]
            part = frame[(frame.people == group) & (frame.emotion == emotion)]
            _plane(ax, anchors.loc[[emotion]], names=False)
            for right, colour, name, mark in (
                (False, COLOURS[0], "film named wrong", "."),
                (True, COLOURS[5], "film named right", "x"),
            ):
                at = part[part.right == right]
                ax.plot(
                    at.valence,
                    at.arousal,
                    mark,
                    color=colour,
                    ms=3,
                    mew=0.6,
                    alpha=0.6,
                    label=name,
                    rasterized=True,
                )
            ax.set_title(f"{emotion}, {group}", fontsize=8)
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    fig.supxlabel("valence", fontsize=9)
    fig.supylabel("arousal", fontsize=9)
    return foot(fig)


@styled
def paths(frame: pd.DataFrame, anchors: pd.DataFrame, *, every: int = 15):
    """Figure 6: one film a panel as a path; a number stands at every n-th frame, colours say which emotion is nearest."""
    emotions, groups = list(dict.fromkeys(frame.emotion)), list(dict.fromkeys(frame.people))
    fig, axes = plt.subplots(
        len(groups),
        len(emotions),
        figsize=(3.0 * len(emotions), 3.2 * len(groups)),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for g, group in enumerate(groups):
        for k, emotion in enumerate(emotions):
            _one_path(
                axes[g, k],
                frame[(frame.people == group) & (frame.emotion == emotion)],
                anchors,
                every,
            )
            axes[g, k].set_title(f"{emotion}, {group}", fontsize=9)
    fig.supxlabel("valence", fontsize=9)
    fig.supylabel("arousal", fontsize=9)
    return foot(fig)


def _one_path(ax, path: pd.DataFrame, anchors: pd.DataFrame, every: int):
    _plane(ax, anchors, size=5.5)
    ax.plot(path.valence, path.arousal, color="0.6", lw=0.8, zorder=2)
    ax.scatter(path.valence, path.arousal, c=[HUES[n] for n in path.named], s=14, lw=0, zorder=3)
    step = max(1, every // max(1, int(np.median(np.diff(path.frame))) if len(path) > 1 else 1))
    for row in path.iloc[::step].itertuples():
        ax.annotate(
            str(row.frame),
            (row.valence, row.arousal),
            xytext=(-3, -7),
            textcoords="offset points",
            fontsize=5.5,
            zorder=6,
        )


@styled
def one_path(path: pd.DataFrame, anchors: pd.DataFrame, *, title: str):
    """A single path, large, with its two coordinates over time below: `emolib trace` draws this."""
    fig, (ax, below) = plt.subplots(2, 1, figsize=(6.4, 8.4), height_ratios=(3, 1))
    _one_path(ax, path, anchors, every=max(1, int(path.frame.iloc[-1]) // 12))
    ax.set(title=title, xlabel="valence", ylabel="arousal")
    for name, colour, dash in (("valence", COLOURS[0], "-"), ("arousal", COLOURS[1], "--")):
        below.plot(path.second, path[name], dash, color=colour, lw=1.2, label=name)
    below.set(xlabel="time (s)", ylabel="-1 to 1", ylim=(-1.15, 1.15))
    below.legend(ncols=2)
    return foot(fig)


@styled
def subjects(frame: pd.DataFrame, anchors: pd.DataFrame):
    """Figure 7: all people showing one emotion, one line a person, a dot where the film ends."""
    emotions, groups = list(dict.fromkeys(frame.emotion)), list(dict.fromkeys(frame.people))
    fig, axes = plt.subplots(
        len(groups),
        len(emotions),
        figsize=(4.2 * len(emotions), 4.2 * len(groups)),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for g, group in enumerate(groups):
        for k, emotion in enumerate(emotions):
            ax = axes[g, k]
            _plane(ax, anchors)
            for i, (_, path) in enumerate(
                frame[(frame.people == group) & (frame.emotion == emotion)].groupby(
                    "person", sort=False
                )
            ):
                ax.plot(path.valence, path.arousal, color=COLOURS[i % 8], lw=0.8, alpha=0.8)
                ax.plot(
                    path.valence.iloc[-1], path.arousal.iloc[-1], "o", color=COLOURS[i % 8], ms=4
                )
            ax.set_title(f"{emotion}, {group}", fontsize=9)
    fig.supxlabel("valence", fontsize=9)
    fig.supylabel("arousal", fontsize=9)
    return foot(fig)


# ---------------------------------------------------------------- a path that moves


class Moving:
    """A drawing for a browser: SVG that moves by its own animation (no script, nothing fetched)."""

    def __init__(self, text: str, title: str):
        self.html, self.title = text, html.escape(title)

    def _repr_html_(self) -> str:
        return self.html


def moving(
    path: pd.DataFrame,
    images: np.ndarray,
    anchors: pd.DataFrame,
    *,
    title: str,
    source: str,
    seconds: float | None = None,
) -> Moving:
    """One path with its pictures: the pointer on a point shows its frame; `play` sends a ring along the path, at the film's own pace.

    path     one row per point: frame, second, valence, arousal, named;   images   uint8 (len(path), H, W, 3)
    seconds  of one run along the path (default: what the film takes)
    """
    x, y = 260 + 220 * path.valence.to_numpy(float), 260 - 220 * path.arousal.to_numpy(float)
    line = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y))
    time = path.second.to_numpy(float) - path.second.iloc[0]
    seconds = seconds or max(float(time[-1]), 1.0)
    keys = ";".join(f"{t:.4f}" for t in np.minimum(time / max(time[-1], 1e-9), 1))
    shelf = (
        f"p{zlib.crc32((title + line).encode()):08x}-"  # ids of its own: a page may hold several
    )
    run = f'dur="{seconds:.2f}s" begin="{shelf}play.click" fill="freeze" calcMode="discrete"'
    pictures = "".join(
        f'<image id="{shelf}{k}" href="data:image/jpeg;base64,{_jpeg(image)}" x="530" y="70" width="240" height="240"/>'
        for k, image in enumerate(images)
    )
    marks = "".join(
        f'<g><title>{html.escape(str(n))}</title><path d="M{260 + 220 * a.valence:.1f} {254 - 220 * a.arousal:.1f}v12m-6 -6h12" stroke="{HUES[n]}" stroke-width="2"/>'
        f'<text x="{266 + 220 * a.valence:.1f}" y="{254 - 220 * a.arousal:.1f}">{html.escape(str(n))}</text></g>'
        for n, a in anchors.iterrows()
    )
    dots = "".join(
        f'<g class="at"><circle cx="{a:.1f}" cy="{b:.1f}" r="5" fill="{HUES[r.named]}"><title>frame {r.frame}, {r.second:.2f} s: {r.named}</title></circle>'
        f'<g class="seen"><use href="#{shelf}{k}"/>'
        f'<text x="530" y="335" class="big">frame {r.frame}, {r.second:.2f} s: {r.named}</text></g></g>'
        for k, (a, b, r) in enumerate(zip(x, y, path.itertuples()))
    )
    ring = "".join(
        f'<animate attributeName="{name}" values="{";".join(f"{v:.1f}" for v in values)}" keyTimes="{keys}" {run}/>'
        for name, values in (("cx", x), ("cy", y))
    )
    film = f'<animate attributeName="href" values="{";".join(f"#{shelf}{k}" for k in range(len(x)))}" keyTimes="{keys}" {run}/>'
    return Moving(
        f"""<style>.emolib-path text {{font: 11px sans-serif; fill: #444}} .emolib-path .big {{font-size: 14px}}
.emolib-path .seen {{visibility: hidden}} .emolib-path .at:hover .seen {{visibility: visible}} .emolib-path .play {{cursor: pointer}}</style>
<svg class="emolib-path" viewBox="0 0 790 520" width="790" style="max-width:100%;background:white" role="img" aria-label="{html.escape(title)}">
<title>{html.escape(title)}</title><defs>{pictures}</defs>
<path d="M10 260h500M260 10v500" stroke="#ccc"/><text x="455" y="275">valence</text><text x="266" y="20">arousal</text>
<polyline points="{line}" fill="none" stroke="#aaa"/>{marks}<use href="#{shelf}0">{film}</use>{dots}
<circle r="9" cx="{x[0]:.1f}" cy="{y[0]:.1f}" fill="none" stroke="black" stroke-width="2.5">{ring}</circle>
<text x="530" y="30" class="big">{html.escape(title)}</text><text x="10" y="512">{html.escape(source)}</text>
<g id="{shelf}play" class="play"><rect x="530" y="360" width="90" height="34" rx="6" fill="#0072B2"/><text x="556" y="382" class="big" style="fill:white">play</text></g>
</svg>""",
        title,
    )


def _jpeg(image: np.ndarray) -> str:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(image).save(out, "JPEG", quality=80)
    return base64.b64encode(out.getvalue()).decode()
