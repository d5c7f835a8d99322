"""Executed notebooks to be read: NN.ipynb with what it showed, NN.html beside it, without a server.

Kept from papermill's copy is what another run on the same data would write again. Times, progress
and the twin of a table in plain text are left out; a picture stands in the notebook as a picture,
which every viewer shows, and the page takes it from figures/.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

from markupsafe import Markup

from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.reproduction import papers
from emolib.reproduction.report import files as results

FOLDER = "notebooks"  # of a result folder
INJECTED = "injected-parameters"  # papermill's cell, whose id it draws anew each time
_IMAGE = re.compile(r'<img\b[^>]*\bsrc="data:image/png;base64,([^"]+)"[^>]*>')
_TEXT = re.compile(r"<style.*?</style>|<[^>]+>", re.DOTALL)


def keep(executed: Path, folder: Path, profile: str) -> list[Path]:
    """Write NN.ipynb and NN.html of an `executed` notebook into a result folder; their paths.

    EmolibError where the copy cannot be read or the folder cannot be written.
    """
    import nbformat

    try:
        notebook = nbformat.read(executed, 4)
    except Exception as error:  # nbformat has many words for a damaged notebook
        reason = " ".join(str(error).split())[:100]
        raise EmolibError(f"{executed}: not a readable notebook ({reason}); run it anew") from None
    pictures = drawn(folder)
    places = {str(folder): ".", f"{settings.project()}/": ""}
    places |= {str(settings.data_root()): "data", str(settings.cache()): ".cache"}
    clean(notebook, pictures, places)
    number = executed.stem[:2]
    contents = {"ipynb": nbformat.writes(notebook), "html": as_page(notebook, pictures, profile)}
    paths = []
    for kind, text in contents.items():
        paths.append(folder / FOLDER / f"{number}.{kind}")
        results.write(paths[-1], text.rstrip("\n") + "\n")
    return paths


def listed(folder: Path) -> list[dict]:
    """The notebooks in a result folder but the report's own: number, title, and which ids their
    pages have an anchor for."""
    rows = []
    for path in sorted((folder / FOLDER).glob("[0-9][0-9].ipynb")):
        if path.stem == "99":  # written last: the report would be another one the second time
            continue
        cells = json.loads(path.read_text())["cells"]
        words = "".join(next((c["source"] for c in cells if c["cell_type"] == "markdown"), ""))
        code = "".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
        title = words.partition("\n")[0].lstrip("# ")
        rows.append({"number": path.stem, "title": title, "ids": artefacts_in(code)})
    return rows


def drawn(folder: Path) -> dict[str, str]:
    """Picture in base64 -> its artefact, for the figures of a result folder."""
    paths = sorted(folder.glob("figures/*.png"))
    return {base64.b64encode(path.read_bytes()).decode(): path.stem for path in paths}


def artefacts_in(source: str) -> list[str]:
    """The artefacts that the code of a cell names."""
    known = set(papers.everything().id)
    return [name for name in dict.fromkeys(re.findall(r'"([^"\s]+)"', source)) if name in known]


# ---------------------------------------------------------------- the notebook


def clean(notebook, pictures: dict[str, str], places: dict[str, str]) -> None:
    """Take out of a notebook, in place, what another run would write otherwise.

    places   path of this machine -> what stands in its place
    """
    spec = notebook.metadata.get("kernelspec", {})
    language = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"}
    notebook.metadata = {"kernelspec": spec, "language_info": language}
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        cell.metadata = {"tags": tags} if tags else {}
        if INJECTED in tags:
            cell["id"] = INJECTED
        if cell.cell_type == "code":
            told = [out for out in cell.outputs if out.get("name") != "stderr"]
            cell.outputs = [part for out in told for part in _parts(out, pictures, places)]


def _parts(output, pictures: dict[str, str], places: dict[str, str]) -> list:
    """An output as what is kept of it: words without twins and paths, then its pictures."""
    from nbformat.v4 import new_output

    if output.output_type == "stream":
        output.text = _here(output.text, places)
    if output.output_type not in ("execute_result", "display_data"):
        return [output]
    data, found = output.data, []
    if "text/html" in data:
        data.pop("text/plain", None)
        found = [one for one in _IMAGE.findall(data["text/html"]) if one in pictures]

        def apart(image) -> str:
            return "" if image[1] in pictures else image[0]

        data["text/html"] = _here(_IMAGE.sub(apart, data["text/html"]), places)
        if not _TEXT.sub("", data["text/html"]).strip():
            del data["text/html"]
    elif "text/plain" in data:
        data["text/plain"] = _here(data["text/plain"], places)
    shown = [new_output("display_data", data={"image/png": image}) for image in found]
    return ([output] if data else []) + shown


def _here(text: str, places: dict[str, str]) -> str:
    for place in sorted(places, key=len, reverse=True):  # a folder before the one it lies in
        text = text.replace(place, places[place])
    return text


# ---------------------------------------------------------------- the page


def as_page(notebook, pictures: dict[str, str], profile: str) -> str:
    """The notebook as a page of the report, with an anchor at each artefact it makes."""
    import warnings

    from nbconvert import HTMLExporter
    from pygments.formatters import HtmlFormatter

    from emolib.reproduction.report import page

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of nbconvert's own dependencies
        body, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    for image, name in pictures.items():
        inside = f"data:image/png;base64,{image}"
        if inside in body:
            body = body.replace(inside, f"../figures/{name}.svg")
    for cell in notebook.cells:
        names = artefacts_in(cell.source) if cell.cell_type == "code" else []
        anchors = "".join(f'<a id="{name}"></a>' for name in names)
        mark = f'id="cell-id={cell["id"]}"'
        at = body.find(mark)
        opened = body.rfind("<div", 0, at)
        if anchors and at >= 0:
            body = body[:opened] + anchors + body[opened:]
    light, dark = (HtmlFormatter(style=name) for name in ("xcode", "github-dark"))
    return (
        page.house()
        .get_template("notebook.html")
        .render(
            body=Markup(body),
            light=Markup(light.get_style_defs(".highlight")),
            dark=Markup(dark.get_style_defs(".highlight")),
            profile=profile,
            papers=papers.PAPERS | papers.HOUSE,
            up="../",
        )
    )
