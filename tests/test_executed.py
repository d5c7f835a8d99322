"""Executed notebooks as something to read: the same bytes each time, pictures that show, links that lead."""

import base64
import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.reproduction.report import executed, page, pictures


def drawn() -> bytes:
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(figsize=(2, 1))
    axes.plot([0, 1], [0, 1])
    png = pictures.saved(fig, "png")
    plt.close(fig)
    return png


@pytest.fixture(scope="module")
def png():
    return drawn()


def a_run(folder, png: bytes, *, when: str, cell: str, seconds: int):
    """The copy that papermill leaves of a notebook with a table, a figure and a line of its own."""
    image = base64.b64encode(png).decode()
    figure = f'<style>x {{}}</style><figure><figcaption><b>Accuracy</b></figcaption><img alt="a" src="data:image/png;base64,{image}"></figure>'
    table = new_output(
        "execute_result",
        {"text/html": "<table><tr><td>0.31</td></tr></table>", "text/plain": "0.31 " * 9},
        execution_count=3,
    )
    shown = new_output(
        "execute_result", {"text/html": figure, "text/plain": "frame"}, execution_count=4
    )
    told = [
        new_output("stream", name="stderr", text=f"wang: 26 of 26 runs, {seconds} s\n"),
        new_output(
            "stream", name="stdout", text=f"{settings.data_root()} read, {folder}/tables written\n"
        ),
    ]
    made = {"papermill": {"start_time": when}, "execution": {"iopub.status.busy": when}}
    cells = [
        new_markdown_cell("# Is 31 % better?\n\nWords.", id="cell-00"),
        new_code_cell(
            'profile = "smoke"',
            id=cell,
            metadata=made | {"tags": ["injected-parameters"]},
            execution_count=2,
        ),
        new_code_cell(
            'report.table("wang-t3", x)',
            id="cell-01",
            metadata=made,
            outputs=[*told, table],
            execution_count=3,
        ),
        new_code_cell(
            'report.figure("wang-f6", x)', id="cell-02", outputs=[shown], execution_count=4
        ),
    ]
    about = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "papermill": made}
    path = folder.parent / f"run-{cell}" / "20_wang_sfew.ipynb"
    path.parent.mkdir()
    nbformat.write(new_notebook(cells=cells, metadata=about), path)
    return path


@pytest.fixture
def folder(tmp_path, png):
    place = tmp_path / "results"
    (place / "figures").mkdir(parents=True)
    (place / "figures" / "wang-f6.png").write_bytes(png)
    (place / "figures" / "wang-f6.svg").write_text("<svg/>")
    return place


def test_two_runs_leave_the_same_bytes(folder, png):
    kept = []
    for when, cell, seconds in (("2026-01-01", "a1b2", 41), ("2026-02-02", "c3d4", 7)):
        paths = executed.keep(
            a_run(folder, png, when=when, cell=cell, seconds=seconds), folder, "smoke"
        )
        kept.append([path.read_bytes() for path in paths])
    assert [p.name for p in paths] == ["20.ipynb", "20.html"] and kept[0] == kept[1]
    text = kept[0][0].decode()
    assert "2026" not in text and "runs, " not in text and str(folder) not in text
    nbformat.validate(nbformat.reads(text, 4))


def test_a_picture_stands_as_a_picture_and_a_table_once(folder, png):
    run = a_run(folder, png, when="x", cell="a1b2", seconds=1)
    notebook = nbformat.read(executed.keep(run, folder, "smoke")[0], 4)
    line, table, words, picture = [o for cell in notebook.cells[1:] for o in cell.outputs]
    assert line.text == "data read, ./tables written\n"
    assert list(table.data) == ["text/html"] and "Accuracy" in words.data["text/html"]
    assert list(picture.data) == ["image/png"]
    assert base64.b64decode(picture.data["image/png"]) == png
    assert sum(len(str(o.get("data", ""))) for o in (table, words)) < 500


def test_the_page_takes_the_picture_from_its_file_and_has_an_anchor_for_each_artefact(folder, png):
    run = a_run(folder, png, when="x", cell="a1b2", seconds=1)
    html = executed.keep(run, folder, "smoke")[1].read_text()
    assert 'src="../figures/wang-f6.svg"' in html and "base64" not in html
    table, figure = html.index('<a id="wang-t3"></a>'), html.index('<a id="wang-f6"></a>')
    assert table < html.index("0.31") < figure < html.index("wang-f6.svg")
    assert 'href="../wang.html"' in html and 'class="highlight' in html
    assert not re.search(r'src="(https?:)?//|@import|<link', html)


def test_a_picture_that_no_file_holds_stays_where_it_is(folder, png):
    run = a_run(folder, png, when="x", cell="a1b2", seconds=1)
    (folder / "figures" / "wang-f6.png").write_bytes(b"another")
    assert "base64" in executed.keep(run, folder, "smoke")[1].read_text()


def test_the_report_leads_to_the_cell(folder, png):
    executed.keep(a_run(folder, png, when="x", cell="a1b2", seconds=1), folder, "smoke")
    (one,) = executed.listed(folder)
    assert one == {"number": "20", "title": "Is 31 % better?", "ids": ["wang-t3", "wang-f6"]}
    (folder / "tables").mkdir()
    (folder / "tables" / "wang-t3.csv").write_text(
        "method,emotion,metric,protocol,printed,measured,low,high,unit,source,verdict\n"
        "A,Angry,accuracy,nested,0.17,0.21,0.18,0.24,fraction,real,print is lower\n"
    )
    (folder / "tables" / "wang-t3.json").write_text('{"sources": {}}')
    pages = page.render(folder, "smoke")
    assert 'href="notebooks/20.html#wang-t3"' in pages["wang.html"]
    assert 'href="notebooks/20.html"' in pages["index.html"]


def test_a_copy_that_cannot_be_read_is_named(folder, tmp_path):
    (tmp_path / "20_wang_sfew.ipynb").write_text("{")
    with pytest.raises(EmolibError, match="20_wang_sfew.ipynb: not a readable notebook"):
        executed.keep(tmp_path / "20_wang_sfew.ipynb", folder, "smoke")
    assert not (folder / "notebooks").exists()


def test_the_committed_notebooks_fit_a_repository():
    for place in sorted((settings.project() / "results").glob("*/notebooks")):
        assert sum(path.stat().st_size for path in place.iterdir()) < 15e6, place
