"""Every drawing of a measured outcome, by name: `plots.lines(frame, ...)`. Charts, and pictures with what was found in them."""

from emolib.plots.charts import band, bars, boxes, confusion, curves, ladder, lines, scatter, steps, sweep
from emolib.plots.pictures import hard_pictures, histograms, mesh_views, pictures, spectrograms, strip_with_lines, strip_with_tracks, tracks
from emolib.plots.plane import HUES, Moving, moving, one_path, outputs, paths, subjects
from emolib.plots.style import COLOURS, DASHES, MARKERS, RC, foot, styled
from emolib.plots.weights import triangles, weight_histograms, weight_image

__all__ = ["COLOURS", "DASHES", "HUES", "Moving", "MARKERS", "RC", "band", "bars", "boxes", "confusion", "curves", "foot", "hard_pictures", "histograms", "ladder", "lines",
           "mesh_views", "moving", "one_path", "outputs", "paths", "pictures", "scatter", "spectrograms", "steps", "strip_with_lines", "strip_with_tracks", "styled", "subjects", "sweep", "tracks",
           "triangles", "weight_histograms", "weight_image"]
