"""Drawings in the plane of valence and arousal."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd

from emolib.reproduction.report.plots.style import COLOURS, DASHES, MARKERS, foot, styled


def _circle(ax):
    ax.add_patch(plt.Circle((0, 0), 1, fill=False, color="0.4", lw=0.8))
    ax.set(aspect="equal", xlim=(-1.06, 1.06), ylim=(-1.06, 1.06))
    ax.set_xticks([-1, 0, 1])
    ax.set_yticks([-1, 0, 1])
    ax.grid(False)


@styled
def emotion_wheel(frame: pd.DataFrame, states: dict[str, tuple[float, float]]):
    """Annotation and prediction of one video on a wheel of states, and how far apart they are over time.

    frame    point ('annotation', 'prediction'), second, valence, arousal, state, measured (distance to the state), apart, shown
    states   word -> place; the state named at the moment `shown` is joined to its point by a line with the distance
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(10.5, 5.2), width_ratios=(1.25, 1))
    for word, (x, y) in states.items():
        left.plot(x, y, ".", color="0.65", ms=3)
        if word not in set(frame.state[frame.shown]):  # these two are written larger below
            left.text(x, y + 0.02, word, fontsize=6.5, color="0.4", ha="center", va="bottom")
    for i, (name, track) in enumerate(frame.groupby("point", sort=False)):
        left.plot(
            track.valence,
            track.arousal,
            color=COLOURS[i],
            lw=0.9,
            alpha=0.7,
            label=f"{name}, whole video",
        )
        now = track[track.shown].iloc[0]
        x, y = states[now.state]
        left.plot([now.valence, x], [now.arousal, y], color=COLOURS[i], lw=1.4, ls=DASHES[1 - i])
        left.plot(
            now.valence,
            now.arousal,
            MARKERS[i],
            color=COLOURS[i],
            mec="black",
            ms=9,
            label=f"at {now.second:.1f} s: {now.state}, {now.measured:.2f} away",
        )
        left.text(
            x,
            y + 0.02,
            now.state,
            fontsize=8,
            weight="bold",
            color=COLOURS[i],
            ha="center",
            va="bottom",
        )
    _circle(left)
    left.set(xlabel="valence", ylabel="arousal")
    track = frame[frame.point == "annotation"]
    alike = track.state.to_numpy() == frame[frame.point == "prediction"].state.to_numpy()
    right.plot(track.second, track.apart, color=COLOURS[6], lw=1.1)
    right.fill_between(
        track.second,
        0,
        track.apart.max(),
        where=alike,
        step="mid",
        color=COLOURS[2],
        alpha=0.2,
        lw=0,
        label=f"both named alike: {100 * alike.mean():.0f} % of the frames",
    )
    right.axvline(
        track[track.shown].second.iloc[0],
        color="0.4",
        lw=0.8,
        ls=":",
        label="the moment on the left (median distance)",
    )
    right.set(
        xlabel="time (s)",
        ylabel="distance of prediction and annotation",
        ylim=(0, 1.25 * track.apart.max()),
    )
    right.legend(loc="upper right", fontsize=7.5)
    fig.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return foot(fig)
