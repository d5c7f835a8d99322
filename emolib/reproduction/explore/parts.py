"""How the explorer looks: its style sheet, its glyphs, and its colours on a light and on a dark ground."""

from __future__ import annotations

GLYPHS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼", "P": "✚", "X": "✖", "*": "★"}
LIGHT, DARK = "#ffffff", "#14171a"  # ground of the plots
ON_DARK = {
    "#000000": "#f2f2f2",
    "#0072B2": "#4da3ff",
}  # what would sink into a dark ground is lifted
LONGEST = 14  # groups a legend names

STYLE = """<style>
.emolib-explorer {padding: 6px; color: var(--jp-ui-font-color1, currentColor)}
.emolib-explorer.emolib-dark {background: #14171a; color: #e8e8e8; --jp-ui-font-color0: #fff; --jp-ui-font-color1: #e8e8e8; --jp-ui-font-color2: #bbb;
  --jp-content-font-color1: #e8e8e8; --jp-layout-color0: #14171a; --jp-layout-color1: #1d2126; --jp-layout-color2: #2b3138; --jp-border-color1: #555;
  --jp-widgets-color: #e8e8e8; --jp-widgets-label-color: #e8e8e8; --jp-widgets-input-color: #e8e8e8; --jp-widgets-input-background-color: #1d2126;
  --jp-widgets-input-border-color: #666; --jp-inverse-layout-color3: #eee}
.emolib-explorer button:focus-visible, .emolib-explorer select:focus-visible {outline: 3px solid #E69F00; outline-offset: -1px}
.emolib-explorer :is(.emolib-cell, .emolib-class, .emolib-entry) {color: inherit; background-color: color-mix(in srgb, currentColor 4%, transparent);
  font: inherit; font-size: 12px; border: 1px solid transparent; cursor: pointer; padding: 0; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap}
.emolib-explorer .emolib-cell {height: 24px; font-variant-numeric: tabular-nums}
.emolib-explorer .emolib-class {height: 22px}
.emolib-explorer .emolib-entry {padding: 0 4px}
.emolib-explorer .emolib-entry[aria-pressed=true] {border-color: currentColor; font-weight: bold}
.emolib-grid {display: grid; grid-gap: 1px; width: 100%}
.emolib-classes {display: grid; grid-template-columns: 6.5em 1fr; gap: 2px 8px; width: 100%; margin-top: 6px}
.emolib-explorer .emolib-right {border-color: color-mix(in srgb, currentColor 45%, transparent)}
.emolib-head {overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: 11px; line-height: 22px}
.emolib-bar {width: 100%; min-width: 120px; display: grid; grid-template-columns: 1fr 6em; gap: 6px; align-items: center; font-size: 12px; font-variant-numeric: tabular-nums}
.emolib-bar span:first-child {height: 12px; display: block; position: relative; background: color-mix(in srgb, currentColor 10%, transparent)}
.emolib-bar i {position: absolute; inset: 0 auto 0 0; background: #0072B2}
.emolib-legend {display: flex; flex-wrap: wrap; gap: 2px 6px; font-size: 12px}
.emolib-ramp {width: 9em; background: linear-gradient(90deg, #00224e, #7d7c78, #fee838)}
.emolib-note {opacity: .75; font-size: 12px; line-height: 1.35}
</style>"""


def ground(dark: bool) -> str:
    """Colour behind the points."""
    return DARK if dark else LIGHT


def shade(colour: str, dark: bool) -> str:
    """The colour of a group as it is seen on this ground."""
    return ON_DARK.get(colour, colour) if dark else colour
