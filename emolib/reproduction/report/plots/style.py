"""One style for every drawing.

Colours are Okabe and Ito's, told apart by colour-blind readers and in grey; lines also differ in marker
and dash. Everything has units on its axes and reads on paper and on a dark page (white ground is drawn).
"""

from __future__ import annotations

import matplotlib
import matplotlib.pyplot as plt

from emolib.reproduction.report.pictures import saved, sign

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#8C8C00")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":")
RC = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.constrained_layout.use": True,
    "axes.prop_cycle": matplotlib.cycler(color=COLOURS),
}


def styled(draw):
    """Decorator: draw under the house style, whatever the caller's settings, and without a window."""
    import functools

    @functools.wraps(draw)
    def wrapped(*arguments, **options):
        with plt.rc_context(RC), plt.ioff():
            return draw(*arguments, **options)

    return wrapped


def foot(fig):
    """Leave a strip for the badge that report.figure writes below the drawing."""
    fig.get_layout_engine().set(rect=(0, 0.03, 1, 0.97))
    return fig


def svg(fig, corner: str) -> bytes:
    """A figure as SVG, the same bytes for the same figure, with a note in its corner; the figure is closed."""
    sign(fig, corner)
    drawn = saved(fig, "svg")
    plt.close(fig)
    return drawn
