"""Every drawing of a measured outcome, by name: `plots.lines(frame, ...)`.

Drawings of printed cells are in `plots.printed`.
"""

from emolib.reproduction.report.plots.charts import (
    band,
    bars,
    boxes,
    confusion,
    fits,
    ladder,
    lines,
    steps,
    sweep,
)
from emolib.reproduction.report.plots.clouds import clouds
from emolib.reproduction.report.plots.fusion import clusters, leads
from emolib.reproduction.report.plots.meshes import faces_with_bars, grouped_points, wires
from emolib.reproduction.report.plots.pictures import (
    hard_pictures,
    mesh_views,
    pictures,
    spectrograms,
    strip_with_lines,
    strip_with_names,
    strip_with_tracks,
    tracks,
)
from emolib.reproduction.report.plots.plane import (
    emotion_wheel,
    moving,
    one_path,
    outputs,
    paths,
    subjects,
)
from emolib.reproduction.report.plots.style import COLOURS, MARKERS, styled, svg
from emolib.reproduction.report.plots.weights import weight_histograms, weight_image
