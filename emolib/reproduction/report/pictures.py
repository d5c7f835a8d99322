"""Pictures as small as they can be drawn: a hundred figures have to fit a repository.

An SVG of matplotlib carries six decimals where a printer sees two, a line of text for every point
of a cloud, and its images as red, green, blue and opacity even where they are grey. `rasterise`
draws a cloud as one image; `slim_svg` rounds coordinates to a hundredth of a point and stores
images by `slim_png`: in grey where they are grey, otherwise in at most 128 colours, dithered.
"""

from __future__ import annotations

import base64
import io
import itertools
import re
import warnings

DECIMALS = 2  # of a point (1/72 inch): 3.5 micrometres on paper
COLOURS = 128  # told apart no better with 256, and a sixth larger
MANY = 300  # points
_IMAGE = re.compile(r"(data:image/png;base64,)([A-Za-z0-9+/=\s]+)")
_DRAWN = re.compile(r'( (?:d|x|y|points|transform|width|height|x1|x2|y1|y2)=")([^"]*)(")')
_NUMBER = re.compile(rf"-?\d+\.\d{{{DECIMALS + 1},}}")
_INDENT = re.compile(r"\n +(?=<)")
_SCALED = re.compile(r"\b(?:scale|matrix|rotate)\(")


def rasterise(fig) -> None:
    """Make clouds of more than MANY points, and meshes of as many faces, one image in an SVG."""
    with warnings.catch_warnings():  # matplotlib says of solids that it will not, and does
        warnings.simplefilter("ignore", UserWarning)
        for drawn in itertools.chain.from_iterable(axes.collections for axes in fig.axes):
            if max(len(drawn.get_offsets()), len(drawn.get_paths())) > MANY:
                drawn.set_rasterized(True)


def sign(fig, note: str) -> None:
    """A note in the lower right corner; `plots.style.foot` leaves the room."""
    fig.text(0.995, 0.005, note, ha="right", va="bottom", fontsize=7, color="0.45")


def saved(fig, kind: str) -> bytes:
    """A figure as small 'svg' or 'png': the same bytes each time, without a date or a version."""
    import matplotlib.pyplot as plt

    stamp, slim = {"svg": ("Date", slim_svg), "png": ("Software", slim_png)}[kind]
    out = io.BytesIO()
    with plt.rc_context({"svg.hashsalt": "emolib", "svg.fonttype": "none"}):
        fig.savefig(out, format=kind, dpi=100, metadata={stamp: None})
    return slim(out.getvalue())


def slim_svg(raw: bytes) -> bytes:
    """The same drawing: coordinates to 1/100 point, no indentation, images by `slim_png`."""
    pieces = _IMAGE.split(raw.decode())  # text, mark, image, text, mark, image, ..., text
    for i in range(0, len(pieces), 3):
        rounded = _DRAWN.sub(lambda found: found[1] + _rounded(found[2]) + found[3], pieces[i])
        pieces[i] = _INDENT.sub("\n", rounded)
    for i in range(2, len(pieces), 3):
        pieces[i] = base64.b64encode(slim_png(base64.b64decode(pieces[i]))).decode()
    return "".join(pieces).encode()


def _rounded(text: str) -> str:
    """Numbers of an attribute, rounded; a factor (scale, matrix, rotate) is no length."""
    return text if _SCALED.search(text) else _NUMBER.sub(_short, text)


def _short(found: re.Match) -> str:
    text = f"{float(found[0]):.{DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _fewest_channels(image):
    """RGBA that is opaque becomes RGB, and grey where all three are equal."""
    if image.mode == "RGBA" and image.getextrema()[3] == (255, 255):
        image = image.convert("RGB")
    if image.mode == "RGB":
        red, green, blue = image.split()
        if red.tobytes() == green.tobytes() == blue.tobytes():
            return red
    return image


def slim_png(raw: bytes) -> bytes:
    """A PNG in grey if it is grey, otherwise in its 128 best colours."""
    from PIL import Image

    image = _fewest_channels(Image.open(io.BytesIO(raw)))
    if image.mode == "RGB":
        dither = Image.Dither.FLOYDSTEINBERG
        image = image.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=dither)
    elif image.mode == "RGBA":  # the only method that keeps opacity
        image = image.quantize(COLOURS, method=Image.Quantize.FASTOCTREE)
    out = io.BytesIO()
    image.save(out, format="PNG", optimize=True)
    return min(raw, out.getvalue(), key=len)
