"""Pictures as small as they can be drawn: 129 figures have to fit a repository that people clone.

An SVG of matplotlib carries six decimals where a printer sees two, and its embedded images as red, green, blue and opacity even
where they are grey. `slim_svg` rounds the first to a hundredth of a point and stores the second as what they are, without a loss.
`slim_png` stores a picture in grey or in at most 256 colours: a plot has fewer, a sheet of colour photographs is dithered.
"""

from __future__ import annotations

import base64
import io
import re

DECIMALS = 2                             # of a point (1/72 inch): 3.5 micrometres on paper
COLOURS = 256
_IMAGE = re.compile(r"(data:image/png;base64,)([A-Za-z0-9+/=\s]+)")
_DRAWN = re.compile(r'( (?:d|x|y|points|transform|width|height|x1|x2|y1|y2)=")([^"]*)(")')
_NUMBER = re.compile(r"-?\d+\.\d{%d,}" % (DECIMALS + 1))
_SCALED = re.compile(r"\b(?:scale|matrix|rotate)\([^)]*\)")


def slim_svg(raw: bytes) -> bytes:
    """The same drawing with coordinates to a hundredth of a point and its embedded images without what they do not use."""
    pieces = _IMAGE.split(raw.decode())                      # text, mark, image, text, mark, image, ..., text
    for i in range(0, len(pieces), 3):
        pieces[i] = _DRAWN.sub(lambda found: found[1] + _rounded(found[2]) + found[3], pieces[i])
    for i in range(2, len(pieces), 3):
        pieces[i] = base64.b64encode(_exact(base64.b64decode(pieces[i]))).decode()
    return "".join(pieces).encode()


def _rounded(text: str) -> str:
    """Numbers of an attribute, rounded; a factor (scale, matrix, rotate) keeps its decimals, as it is no length."""
    kept = _SCALED.findall(text)
    return _NUMBER.sub(_short, text) if not kept else text


def _short(found: re.Match) -> str:
    text = f"{float(found[0]):.{DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _exact(raw: bytes) -> bytes:
    """A PNG with the same pixels in the fewest channels."""
    from PIL import Image

    image = Image.open(io.BytesIO(raw))
    image.load()
    slim = _fewest_channels(image)
    return min(raw, _png(slim), key=len)


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
    """A PNG in grey if it is grey, otherwise in its 256 best colours (all of them where there are no more)."""
    from PIL import Image

    image = _fewest_channels(Image.open(io.BytesIO(raw)))
    if image.mode == "RGB":
        image = image.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG)
    return min(raw, _png(image), key=len)


def _png(image) -> bytes:
    out = io.BytesIO()
    image.save(out, format="PNG", optimize=True)
    return out.getvalue()
