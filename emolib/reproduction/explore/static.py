"""A bundle as one page that opens from disk: linked views without a server and without installing.

    explore/<name>.html    scatter of each model, a matrix of each, the sample under the mouse

The views are Vega-Lite's, drawn by the scripts that stand in the page; nothing is fetched. Where a
bundle is simulated, small pictures and sounds of some samples stand in it too. A page of real data
holds numbers only, and lies beside its bundle in the cache.
"""

from __future__ import annotations

import base64
import io
import json
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from markupsafe import Markup

from emolib.reproduction.explore import bundles, layout, linked, media
from emolib.reproduction.explore.bundles import Bundle
from emolib.reproduction.report import files as results
from emolib.reproduction.report import page
from emolib.reproduction.report.plots.style import COLOURS

PERPLEXITIES = (10, 30, 100)
DRAWN, SEEN, HEARD = 2000, 180, 24  # points at most; of them with a picture, with a sound
COLOUR_BY = ("class", "named class", "right or wrong", "actor", "modality")
POINTS, MEDIA = "points", "media"  # the tables inside the page: a row a point, a row a clip
KEPT, OWN = "of the left model", "each its own"
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross")
SHAPES += ("triangle-left", "triangle-right")
WIDTH, HEIGHT, SIDE = 380, 340, 200  # of a scatter plot, and of the sample beside them, in pixels


def write(bundle: Bundle) -> Path | None:
    """Write a bundle's page beside the bundle; returns its path.

    None without the packages that draw it (`pip install 'emolib[explore]'`).
    """
    if not (find_spec("altair") and find_spec("vl_convert")):
        return None
    path = bundles.folder(bundle.profile, bundle.source) / f"{bundle.name}.html"
    results.write(path, render(bundle))
    return path


def render(bundle: Bundle) -> str:
    """The page as text."""
    import vl_convert

    rows = drawn(bundle)
    shown, pictures, sounds = samples(bundle, rows)
    with warnings.catch_warnings():
        # one frame, one cell and one sample for both sides: that is what is wanted
        warnings.filterwarnings("ignore", "Automatically deduplicated")
        spec = views(bundle, points(bundle, rows), shown)
    template = page.house().get_template("explore.html")
    return template.render(
        bundle=bundle,
        drawn=len(rows),
        pictures=pictures,
        sounds=len(sounds),
        script=Markup(vl_convert.javascript_bundle()),
        spec=_inside_script(spec),
        sound=_inside_script(sounds),
    )


def _inside_script(value) -> Markup:
    """JSON that cannot end the script it stands in."""
    return Markup(json.dumps(value, separators=(",", ":")).replace("</", "<\\/"))


def drawn(bundle: Bundle) -> np.ndarray:
    """Row numbers of the points that the page shows: all, or DRAWN of them at random."""
    rng = np.random.default_rng(0)
    return np.sort(rng.permutation(len(bundle))[:DRAWN])


def points(bundle: Bundle, rows: np.ndarray) -> pd.DataFrame:
    """A row each: who, what, what both models said, and its places at each perplexity.

    x0_30 is the left model's horizontal place at perplexity 30, y1_10 the right one's at 10.
    """
    pair = _pair(bundle)
    frame = pd.DataFrame(
        {
            "point": rows,
            "clip": bundle.rows[rows],
            "sample": bundle.sample[rows],
            "class": np.take(bundle.classes, bundle.true[rows]),
            "actor": np.where(bundle.actor[rows] == "", linked.NAMELESS, bundle.actor[rows]),
            "modality": bundle.modality[rows],
        }
    )
    for k, name in enumerate(pair):
        predicted = bundle.model(name).predicted[rows]
        frame[f"named{k}"] = np.take(bundle.classes, predicted)
        frame[f"right{k}"] = np.where(predicted == bundle.true[rows], "right", "wrong")
        frame[f"sure{k}"] = linked.confidence(bundle, name, rows).round(2)
    kept, seed = _kept(bundle), bundle.about.get("seed", 0)
    for perplexity in perplexities(bundle):
        first = None
        for k, name in enumerate(pair):
            if perplexity == kept:
                xy = bundle.places[name, "t-SNE"]
            else:
                embedding = bundle.model(name).embedding
                xy = layout.place(embedding, "t-SNE", start=first, perplexity=perplexity, seed=seed)
            first = xy if first is None else first
            frame[[f"x{k}_{perplexity}", f"y{k}_{perplexity}"]] = xy[rows].round(3)
    return frame


def _kept(bundle: Bundle) -> int:
    """The perplexity of the places that the bundle holds."""
    return int(bundle.about.get("perplexity", 30))


def perplexities(bundle: Bundle) -> list[int]:
    """Those to choose from: of many points only the one that is kept, for others cost minutes."""
    kept = _kept(bundle)
    return sorted({kept, *PERPLEXITIES}) if len(bundle) <= DRAWN else [kept]


def _pair(bundle: Bundle) -> tuple[str, str]:
    """The models on the left and on the right: the first two."""
    names = [model.name for model in bundle.models]
    return names[0], names[min(1, len(names) - 1)]


def samples(bundle: Bundle, rows: np.ndarray) -> tuple[pd.DataFrame, int, dict[int, str]]:
    """Pictures of SEEN samples, how many there are, and sounds of HEARD: addresses with the bytes
    in them. None of a real set: who may see its faces is for its holders to say.
    """
    clips = np.unique(bundle.rows[rows])
    if bundle.source != "simulated" or bundle.kind == "numbers":
        return pd.DataFrame({"clip": clips, "picture": "", "tones": ""}), 0, {}
    seen = _evenly(clips, SEEN)
    heard = set(_evenly(seen, HEARD))
    shown, sounds = [], {}
    for clip in seen.tolist():
        one = media.sample(bundle, int(np.argmax(bundle.rows == clip)))
        tones = _picture(one.spectrogram, (96, 48))
        shown.append({"clip": clip, "picture": _picture(one.picture, (64, 64)), "tones": tones})
        if clip in heard and one.sound:
            sounds[clip] = _sound(one.sound)
    return pd.DataFrame(shown), len(shown), sounds


def _evenly(values: np.ndarray, count: int) -> np.ndarray:
    """At most `count` of the values, evenly spread."""
    at = np.linspace(0, len(values) - 1, min(count, len(values)))
    return values[at.round().astype(int)]


def _picture(png: bytes, size: tuple[int, int]) -> str:
    """A picture as an address that holds its bytes, small; '' where there is none."""
    from PIL import Image

    if not png:
        return ""
    out = io.BytesIO()
    Image.open(io.BytesIO(png)).resize(size).save(out, format="WEBP", quality=50)
    return _address("image/webp", out.getvalue())


def _sound(wav: bytes) -> str:
    """A sound as an address that holds its bytes, squeezed (Opus)."""
    import soundfile

    out = io.BytesIO()
    wave, rate = soundfile.read(io.BytesIO(wav))
    soundfile.write(out, wave, rate, format="OGG", subtype="OPUS", compression_level=0.99)
    return _address("audio/ogg", out.getvalue())


def _address(kind: str, raw: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(raw).decode()}"


# ---------------------------------------------------------------- the views


def views(bundle: Bundle, frame: pd.DataFrame, shown: pd.DataFrame) -> dict:
    """The linked views as a Vega-Lite specification: what one catches, all of them count."""
    import altair as alt

    numbers = dict.fromkeys(frame.select_dtypes("number"), "number")
    table = alt.NamedData(POINTS, format=alt.CsvDataFormat(parse=numbers, type="csv"))
    inside = alt.selection_interval(name="inside")
    cell = alt.selection_point(name="cell", encodings=["x", "y"])
    seen = alt.selection_point(
        name="seen", fields=["point"], on="pointerover", clear="false", empty=False
    )
    lit = inside & cell
    scatters = [_scatter(bundle, k, lit).add_params(inside, seen) for k in range(2)]
    matrices = [_matrix(bundle, k, lit, cell) for k in range(2)]
    above = alt.hconcat(*scatters, _sample(bundle, seen)).resolve_scale(
        color="shared", shape="shared"
    )
    chart = alt.vconcat(above, alt.hconcat(*matrices, spacing=30), data=table, spacing=24)
    for k in range(2):
        side = f"(places == '{OWN}' ? '{k}_' : '0_')"
        groups = {"named class": f"datum.named{k}", "right or wrong": f"datum.right{k}"}
        chosen = [f"colour == '{name}' ? {field}" for name, field in groups.items()]
        chart = chart.transform_calculate(
            **{f"{axis}{k}": f"datum['{axis}' + {side} + perplexity]" for axis in "xy"},
            **{f"group{k}": " : ".join([*chosen, "datum[colour]"])},
        )
    menus = {
        "perplexity": (perplexities(bundle), _kept(bundle)),
        "places": ((KEPT, OWN), KEPT),
        "colour": (COLOUR_BY, "class"),
    }
    params = []
    for name, (options, value) in menus.items():
        menu = alt.binding_select(options=list(options), name=f"{name} ")
        params.append(alt.param(name=name, value=value, bind=menu))
    chart = chart.add_params(*params)
    chart = chart.configure_view(stroke="#cccccc").configure_axis(labelLimit=0)
    spec = chart.to_dict()
    # rows as CSV are a third of the size of records
    tables = {POINTS: results.table_text(frame), MEDIA: shown.to_dict("records")}
    return spec | {"datasets": spec.get("datasets", {}) | tables}


def _scatter(bundle: Bundle, k: int, lit):
    """The points where model `k` puts them; those that are not lit are faint."""
    import altair as alt

    axis = alt.Axis(domain=False, labels=False, ticks=False, grid=False, title=None)
    square = alt.Scale(domain=[-1.05, 1.05], nice=False)
    colours, shapes = alt.Scale(range=list(COLOURS)), alt.Scale(range=list(SHAPES))
    said = ["sample:N", "class:N", f"named{k}:N", f"sure{k}:Q", "actor:N", "modality:N"]
    return (
        alt.Chart(title=alt.Title(_pair(bundle)[k], anchor="start"))
        .mark_point(filled=True, size=40)
        .encode(
            x=alt.X(f"x{k}:Q", axis=axis, scale=square),
            y=alt.Y(f"y{k}:Q", axis=axis, scale=square),
            color=alt.Color(f"group{k}:N", title=None, scale=colours),
            shape=alt.Shape(f"group{k}:N", title=None, scale=shapes),
            opacity=alt.when(lit).then(alt.value(0.9)).otherwise(alt.value(0.08)),
            tooltip=said,
        )
        .properties(width=WIDTH, height=HEIGHT)
    )


def _matrix(bundle: Bundle, k: int, lit, cell):
    """True class down, class named by model `k` across, counted among what is lit."""
    import altair as alt

    classes, named = list(bundle.classes), f"named{k}"
    every = pd.MultiIndex.from_product([classes, classes], names=["class", named])
    x = alt.X(
        f"{named}:N",
        title="named",
        scale=alt.Scale(domain=classes),
        axis=alt.Axis(orient="top", labelAngle=-40),
    )
    y = alt.Y("class:N", title="true", scale=alt.Scale(domain=classes))
    share = alt.Tooltip("share:Q", format=".0%")
    counted = (
        alt.Chart()
        .transform_filter(lit)
        .transform_aggregate(count="count()", groupby=["class", named])
        .transform_joinaggregate(all="sum(count)", groupby=["class"])
        .transform_calculate(share="datum.count / datum.all")
        .encode(x=x, y=y, tooltip=["class:N", f"{named}:N", "count:Q", share])
    )
    ground = alt.Chart(every.to_frame(index=False)).mark_rect(fill="#f4f4f4").encode(x=x, y=y)
    shades = alt.Scale(domain=[0, 1], scheme="blues")
    boxes = counted.mark_rect().encode(color=alt.Color("share:Q", scale=shades, legend=None))
    dark = alt.when("datum.share > 0.55").then(alt.value("white")).otherwise(alt.value("black"))
    numbers = counted.mark_text(fontSize=12).encode(text="count:Q", color=dark)
    grid = alt.layer(ground.add_params(cell), boxes, numbers).resolve_scale(color="independent")
    words = (
        alt.Chart(height=14, width=WIDTH)
        .transform_filter(lit)
        .transform_calculate(hit=f"datum.right{k} == 'right'")
        .transform_aggregate(count="count()", hits="sum(hit)")
        .transform_calculate(
            words="datum.count + ' points, ' + datum.hits + ' right (' + "
            "format(datum.hits / max(1, datum.count), '.0%') + ')'"
        )
        .mark_text(align="left", x=0, fontSize=13)
        .encode(text="words:N")
    )
    return alt.vconcat(words, grid.properties(width=WIDTH, height=30 * len(classes)), spacing=4)


def _sample(bundle: Bundle, seen):
    """The point under the mouse: its picture, its spectrogram, what is said of it."""
    import altair as alt

    looked = alt.Chart(width=SIDE).transform_filter(seen)
    fetch = alt.LookupData(alt.NamedData(MEDIA), key="clip", fields=["picture", "tones"])
    parts = []
    for name, absent, height in (("picture", "sound", 100), ("tones", "face", 60)):
        parts.append(
            looked.transform_lookup("clip", from_=fetch)
            .transform_filter(f"datum.{name} && datum.modality != '{absent}'")
            .mark_image(width=SIDE, height=height, x=SIDE / 2, y=height / 2)
            .encode(url=f"{name}:N")
            .properties(height=height, view=alt.ViewConfig(stroke=None))
        )
    left, right = _pair(bundle)
    lines = [
        "datum.sample",
        "'true: ' + datum.class",
        f"{left!r} + ': ' + datum.named0",
        f"{right!r} + ': ' + datum.named1",
        "'actor: ' + datum.actor",
        "datum.modality",
    ]
    words = (
        looked.transform_calculate(words=f"[{', '.join(lines)}]")
        .mark_text(align="left", baseline="top", x=0, y=0, lineHeight=17, limit=SIDE)
        .encode(text="words:N")
        .properties(height=17 * len(lines), view=alt.ViewConfig(stroke=None))
    )
    return alt.vconcat(*parts, words, spacing=6, title=alt.Title("Sample", anchor="start"))
