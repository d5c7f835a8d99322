"""Every drawing of a measured outcome, by name: `plots.lines(frame, ...)`. Charts, and pictures with what was found in them."""

from emolib.reproduction.report.plots.charts import (
    band,
    bars,
    boxes,
    confusion,
    curves,
    fits,
    ladder,
    lines,
    scatter,
    steps,
    sweep,
)
from emolib.reproduction.report.plots.clouds import clouds
from emolib.reproduction.report.plots.fusion import clusters, leads
from emolib.reproduction.report.plots.meshes import faces_with_bars, grouped_points, wires
from emolib.reproduction.report.plots.pictures import (
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
from emolib.reproduction.report.plots.plane import (
    HUES,
    Moving,
    moving,
    one_path,
    outputs,
    paths,
    subjects,
)
from emolib.reproduction.report.plots.planes import disc_surfaces, emotion_wheel
from emolib.reproduction.report.plots.style import COLOURS, DASHES, MARKERS, RC, foot, styled, svg
from emolib.reproduction.report.plots.weights import triangles, weight_histograms, weight_image

__all__ = [
    "COLOURS",
    "DASHES",
    "HUES",
    "MARKERS",
    "RC",
    "band",
    "bars",
    "boxes",
    "clouds",
    "clusters",
    "confusion",
    "curves",
    "disc_surfaces",
    "emotion_wheel",
    "faces_with_bars",
    "fits",
    "foot",
    "grouped_points",
    "hard_pictures",
    "histograms",
    "ladder",
    "leads",
    "lines",
    "mesh_views",
    "moving",
    "Moving",
    "one_path",
    "outputs",
    "paths",
    "pictures",
    "scatter",
    "spectrograms",
    "steps",
    "strip_with_lines",
    "strip_with_names",
    "strip_with_tracks",
    "styled",
    "subjects",
    "svg",
    "sweep",
    "tracks",
    "triangles",
    "weight_histograms",
    "weight_image",
    "wires",
]
