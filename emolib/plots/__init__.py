"""Every drawing of a measured outcome, by name: `plots.lines(frame, ...)`. Charts, and pictures with what was found in them."""

from emolib.plots.charts import band, bars, boxes, confusion, curves, ladder, lines, scatter, steps, sweep
from emolib.plots.fusion import clusters, leads
from emolib.plots.pictures import (
           hard_pictures,
           histograms,
           mesh_views,
           pictures,
           spectrograms,
           strip_with_lines,
           strip_with_names,
           strip_with_tracks,
           tracks,
)
from emolib.plots.style import COLOURS, DASHES, MARKERS, RC, foot, styled
from emolib.plots.weights import triangles, weight_histograms, weight_image

__all__ = ["COLOURS", "DASHES", "MARKERS", "RC", "band", "bars", "boxes", "clusters", "confusion", "curves", "foot", "hard_pictures", "histograms", "ladder", "leads", "lines",
           "mesh_views", "pictures", "scatter", "spectrograms", "steps", "strip_with_lines", "strip_with_names", "strip_with_tracks", "styled", "sweep", "tracks",
           "triangles", "weight_histograms", "weight_image"]
