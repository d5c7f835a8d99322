"""The course: every solution passes its checks, the usual wrong answers fail with a hint, and nothing of a solution reaches a student."""

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import course_help
import nbformat
import numpy as np
import pytest
import yaml
from course_wrong import WRONG

from emolib.ground.errors import EmolibError
from emolib.reproduction import papers
from emolib.reproduction.cli import main as cli
from emolib.reproduction.course import build, checks, pages

ROOT = Path(__file__).parent.parent
SOURCES = build.sources()
FAST = "01"  # checked in every run; the others load more and are slow
EVERY = [pytest.param(n, marks=() if n == FAST else pytest.mark.slow) for n in SOURCES]
NO_OTTER = importlib.util.find_spec("otter") is None
needs_otter = pytest.mark.skipif(
    NO_OTTER,
    reason="NOT TESTED: the versions for students; otter-grader is not installed (the extra `course`)",
)

# ---------------------------------------------------------------- the sources


def test_there_are_eight_exercises_of_45_to_90_minutes():
    assert list(SOURCES) == ["01", "02", "03", "04", "05", "06", "07", "08"]
    for path in SOURCES.values():
        told = build.notes(path)
        whole, *parts = map(int, re.findall(r"\d+(?= minutes)|(?<=: )\d+", told["time"]))
        assert 45 <= whole <= 90 and sum(parts) == whole, f"{path.name}: {told['time']}"
        assert len(told["mistakes"]) >= 5
        assert f"About {whole} minutes" in "\n".join(t for _, t in build.cells(path)), (
            f"{path.name}: students read another time"
        )


@pytest.mark.parametrize("path", SOURCES.values(), ids=lambda p: p.stem)
def test_a_source_is_stored_clean_and_says_where_its_first_half_ends(path):
    raw = json.loads(path.read_text())
    nbformat.validate(nbformat.read(path, 4))
    assert all(
        c["outputs"] == [] and c["execution_count"] is None
        for c in raw["cells"]
        if c["cell_type"] == "code"
    )
    texts = [t for _, t in build.cells(path)]
    assert sum("nd of the first half" in t for t in texts) == 1
    assert (
        sum(t.startswith("# BEGIN QUESTION") for t in texts)
        == sum(t.startswith("# END QUESTION") for t in texts)
        == 6
    )
    for kind, text in build.cells(path):
        if kind == "code":
            ast.parse(text)
            assert "http" not in text and "open(" not in text, (
                "an exercise reads no file and no address"
            )


def test_every_question_has_a_wrong_answer_in_the_tests():
    assert {(n, q) for n, q, *_ in WRONG} == {(n, f"q{k}") for n in SOURCES for k in range(1, 7)}


def test_the_readme_names_every_exercise_notebook_and_week():
    text = (SOURCES[FAST].parent / "README.md").read_text()
    weeks = re.findall(r"^\| (\d+) \|", text, flags=re.M)
    assert weeks == [str(w) for w in range(1, 13)]
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert (SOURCES[FAST].parent / link).exists(), (
            f"notebooks/course/README.md points to {link}, which is not there"
        )
    for path in SOURCES.values():
        assert build.notes(path)["title"] in text


def test_notes_that_lack_something_are_told(tmp_path):
    raw = json.loads(SOURCES[FAST].read_text())
    cell = next(c for c in raw["cells"] if "".join(c["source"]).startswith("# IGNORE"))
    cell["source"] = [line for line in cell["source"] if not line.startswith("before")]
    (tmp_path / "01_x.ipynb").write_text(json.dumps(raw))
    with pytest.raises(EmolibError, match="lack before"):
        build.notes(tmp_path / "01_x.ipynb")


# ---------------------------------------------------------------- what the checks say


def test_expect_says_what_came_what_was_expected_and_the_hint():
    checks.expect(1 / 3, 0.3333333333, "fine")
    checks.expect([1, 2], np.array([1, 2]), "fine")
    for got, want, said in (
        (None, 1, "end with `return`"),
        ("yes", 1, "got str: yes, expected numbers"),
        ([1, 2], 1, "expected one number"),
        ([1, 5, 9], [1, 2, 9], r"got 5 at \(1,\), expected 2"),
        (float("nan"), 1, "got nan"),
        (2, 1, "got 2, expected 1"),
    ):
        with pytest.raises(checks.Wrong, match=rf"{said}.*Hint: look here"):
            checks.expect(got, want, "look here")


def test_the_hint_comes_at_the_second_try():
    error = checks.failing([lambda x: checks.expect(x, 2, "look here")], {"x": 3})
    assert checks.told(error, {}, 0) == f"not yet: got 3, expected 2. {checks.AGAIN}"
    assert checks.told(error, {}, 1) == "not yet: got 3, expected 2. Hint: look here"
    assert checks.told(checks.failing([lambda x: None], {"x": 3}), {}, 0) == "passed."


def test_a_cell_that_was_not_run_is_named():
    error = checks.failing([lambda ccc, np: None], {"np": np})
    assert checks.told(error, {}, 0) == "run the cell above first: `ccc` is not defined."


def test_an_error_in_an_answer_shows_the_answer_and_not_the_check():
    names = {}
    exec(compile("def f(x):\n    return x.nothing", "cell", "exec"), names)
    error = checks.failing([lambda f: checks.expect(f(7), 42, "secret")], names)
    said = checks.told(error, names, 3)
    assert "AttributeError" in said and "in `f`" in said
    assert "42" not in said and "secret" not in said and "Traceback" not in said


# ---------------------------------------------------------------- solutions and wrong answers

SOLVED: dict = {}


def solved(number):
    if number not in SOLVED:
        start = time.process_time()
        names, tests = course_help.solved(SOURCES[number])
        SOLVED[number] = names, tests, time.process_time() - start
    return SOLVED[number]


@pytest.mark.parametrize("number", EVERY)
def test_solutions_pass_their_checks_in_time(number):
    names, tests, seconds = solved(number)
    assert list(tests) == [f"q{k}" for k in range(1, 7)]
    assert seconds < 60, f"the whole exercise computes {seconds:.0f} s"
    for question, each in tests.items():
        start = time.process_time()
        assert course_help.check(names, each) == "", question
        assert time.process_time() - start < 30


@pytest.mark.parametrize(
    "number, question, answer, hint",
    [
        pytest.param(*w, id=f"{w[0]}-{w[1]}-{k}", marks=() if w[0] == FAST else pytest.mark.slow)
        for k, w in enumerate(WRONG)
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # a wrong answer may well divide by 0
def test_a_wrong_answer_gets_its_hint_at_the_second_try(number, question, answer, hint):
    names, tests, _ = solved(number)
    mine = course_help.answered(names, answer)
    first, second = (course_help.check(mine, tests[question], tries) for tries in (0, 1))
    assert second.startswith("not yet: ") and re.search(hint, second), (
        second or "the check took it for right"
    )
    assert (
        first.startswith("not yet: ")
        and "Hint" not in first
        and "expected" in first
        or ("nothing came back yet" in first)
    ), first


@pytest.mark.parametrize("number", EVERY)
def test_an_answer_not_yet_given_gets_a_sentence(number):
    """Functions that end in `...` return None: the first check must say so, not fall over."""
    names, tests, _ = solved(number)
    for question, each in tests.items():
        mine = dict(names)
        for name in {
            p for one in each for p in one.__code__.co_varnames[: one.__code__.co_argcount]
        }:
            if getattr(names[name], "__module__", "") == "exercise":
                mine[name] = lambda *a, **k: None
        if mine != names:
            said = course_help.check(mine, each)
            assert said.startswith("not yet: ") and "your code stopped" not in said, (
                f"{question}: {said}"
            )


# ---------------------------------------------------------------- weeks and pages


def test_weeks_have_90_minutes_a_figure_and_every_exercise_once():
    weeks = pages.weeks()
    known = set(papers.central().claim)
    for week in weeks:
        assert sum(minutes for minutes, _ in week["minutes"]) == 90, week["title"]
        assert set(week["claims"]) <= known, week["title"]
        assert week["figure"] in pages.figures(), week["title"]
    for kind in ("handed", "due"):
        assert sorted(n for week in weeks for n in week[kind]) == [*range(1, 9)]
    handed = {n: week["number"] for week in weeks for n in week["handed"]}
    due = {n: week["number"] for week in weeks for n in week["due"]}
    assert all(due[n] == handed[n] + 1 for n in due), "an exercise is due a week later"
    assert sorted(week["short"] for week in weeks if week["short"]) == [*range(1, 7)]


def test_pages_take_their_numbers_from_the_results_and_their_links_lead_somewhere():
    made = pages.render()
    assert "NI ~ MSE^1.02" in made["weeks/02.html"], "a central claim, as the audit counted it"
    links = {f"student/{path.stem}.{end}" for path in SOURCES.values() for end in ("html", "ipynb")}
    links |= {*made, *(f"figures/{id}.svg" for id in pages.figures())}
    for name, html in made.items():
        for link in re.findall(r'(?:href|src)="([^":#]+)"', html):
            if not link.startswith("reveal/"):
                target = (Path("/") / name).parent / link
                where = os.path.normpath(target).lstrip("/")
                assert where in links, f"{name} points to {link}, which is not there"


def test_a_deck_has_the_figures_and_the_notes_of_its_notebook():
    html = pages.deck("wang")
    assert html.count('<aside class="notes">') >= 5 and "<math" in pages.with_formulas("a $x^2$")
    for id in ("wang-f8", "wang-x5"):
        assert f'src="../figures/{id}.svg"' in html
    notes = " ".join(re.findall(r'<aside class="notes">(.*?)</aside>', html, flags=re.S))
    shown = re.sub(r'<aside class="notes">.*?</aside>', "", html, flags=re.S)
    assert "What to notice" in notes and "What to notice" not in shown
    assert pages.with_formulas("`$x$`") == "`$x$`", "code stays"


# ---------------------------------------------------------------- what otter makes of them


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = tmp_path_factory.mktemp("course")
    build.exercises(place)
    return place


@needs_otter
@pytest.mark.slow
def test_students_see_questions_and_checks_and_no_solution(made):
    for path in SOURCES.values():
        student = json.loads((made / "student" / path.name).read_text())
        text = "\n".join("".join(c["source"]) for c in student["cells"])
        assert not re.search(r"SOLUTION|PROMPT|IGNORE|BEGIN|mistakes:|discuss:", text)
        assert all("".join(c["source"]).isascii() for c in student["cells"]), "a glyph too many"
        answers = [
            "".join(c["source"])
            for c in student["cells"]
            if "otter_answer_cell" in c["metadata"].get("tags", [])
        ]
        assert len(answers) == 6 and all("..." in a for a in answers), path.name
        for answer in answers:
            ast.parse(answer)  # half a solution would not be Python
        assert set(student["metadata"]["otter"]["tests"]) == {f"q{k}" for k in range(1, 7)}
        for line in solution_lines(path):
            assert line not in text, f"{path.name}: '{line}' reaches students"


def solution_lines(path) -> list[str]:
    """Lines of code that only a solution has: a prompt may hold some of them."""
    found, prompted = [], set()
    for kind, source in build.cells(path):
        if kind == "code":
            found += re.findall(r"^(.*\S)\s+# SOLUTION$", source, flags=re.M)
            for block in re.findall(
                r"# BEGIN SOLUTION.*?\n(.*?)# END SOLUTION", source, flags=re.S
            ):
                found += block.splitlines()
            for block in re.findall(r"# BEGIN PROMPT\n(.*?)# END PROMPT", source, flags=re.S):
                prompted |= {line.strip() for line in block.splitlines()}
    found = {line.strip() for line in found} - prompted
    return sorted(line for line in found if len(line) > 12)


@needs_otter
@pytest.mark.slow
def test_checks_bring_their_own_helpers(made):
    """A student who calls something `expect` changes nothing."""
    text = build.own_imports("def test_x(ccc, np, expect):\n    expect(ccc(np.ones(2)), 1, 'h')")
    assert "def test_x(ccc):" in text and "import numpy as np" in text
    for path in SOURCES.values():
        with zipfile.ZipFile(made / "solutions" / f"{path.stem}.zip") as held:
            checks = held.read("tests/q1.py").decode()
        assert re.search(r"^from emolib.reproduction.course import (expect|require)", checks, re.M)


@needs_otter
@pytest.mark.slow
def test_the_same_versions_twice(made, tmp_path, monkeypatch):
    monkeypatch.setattr(build, "sources", lambda: {FAST: SOURCES[FAST]})
    build.exercises(tmp_path)
    for name in (f"student/{SOURCES[FAST].name}", f"solutions/{SOURCES[FAST].stem}.zip"):
        assert (tmp_path / name).read_bytes() == (made / name).read_bytes()


@needs_otter
@pytest.mark.slow
def test_a_student_s_notebook_is_told_what_to_do(made, tmp_path):
    """In a real kernel: a cell that was not run, nothing yet, a wrong answer twice, the right one."""
    from nbclient import NotebookClient

    book = nbformat.read(made / "student" / SOURCES[FAST].name, 4)
    wrong = "def ccc(x, y):\n    return np.corrcoef(x, y)[0, 1]"
    asked = 'grader.check("q1")'
    code = [c.source for c in book.cells if c.cell_type == "code"]
    right = course_help.source_of(SOURCES[FAST], "def ccc")
    texts = [code[0], asked, code[1], code[3], asked, wrong, asked, asked, right, asked]
    texts += ["def ccc(x, y):\n    return x.nothing", asked]
    book.cells = [nbformat.v4.new_code_cell(text) for text in texts]
    book_path = tmp_path / SOURCES[FAST].name
    book_path.write_bytes((made / "student" / SOURCES[FAST].name).read_bytes())
    NotebookClient(book, resources={"metadata": {"path": str(tmp_path)}}, timeout=300).execute()
    told = [c.outputs[-1]["data"]["text/plain"] for c in book.cells if c.source == asked]
    assert told[0] == "q1 run the cell above first: `ccc` is not defined."
    assert told[1].startswith("q1 not yet: nothing came back yet")
    assert "got 1, expected 0.3333. Hint: a shift costs" in told[2], "the second failed check"
    assert told[3] == told[2] and told[4] == "q1 passed."
    assert "AttributeError" in told[5] and "line 2 of the cell: return x.nothing" in told[5]
    assert all(text.isascii() for text in told)


@needs_otter
@pytest.mark.slow
@pytest.mark.parametrize("number", ["01", "06", "07"])  # affect tracks, letters, printed cells
def test_an_exercise_runs_from_the_wheel_alone(number, made, packed, tmp_path):
    """Outside of a checkout, with the data that the wheel holds."""
    from nbclient import NotebookClient

    book = nbformat.read(made / "solutions" / SOURCES[number].name, 4)
    place = f"import sys; sys.path.insert(0, {str(packed[1])!r}); import emolib; emolib.__file__"
    book.cells.insert(0, nbformat.v4.new_code_cell(place))
    (tmp_path / SOURCES[number].name).write_text(nbformat.writes(book))
    NotebookClient(book, resources={"metadata": {"path": str(tmp_path)}}, timeout=300).execute()
    assert book.cells[0].outputs[0]["data"]["text/plain"].strip("'").startswith(str(packed[1]))
    asked = [c for c in book.cells if c.source.startswith('grader.check("q')]
    assert [c.outputs[-1]["data"]["text/plain"].split()[-1] for c in asked] == ["passed."] * 6


@needs_otter
@pytest.mark.slow
def test_an_autograder_for_gradescope_carries_emolib(made, packed):
    (made / "student" / packed[0].name).write_bytes(packed[0].read_bytes())
    zips = build.gradescope(made)
    assert {path.stem for path in zips} == {path.stem for path in SOURCES.values()}
    with zipfile.ZipFile(zips[0]) as held:
        needs = yaml.safe_load(held.read("environment.yml"))["dependencies"][-1]["pip"]
        place = needs[-1].removesuffix("[reproduce,course]")
        assert place.startswith("/autograder/source/") and needs[0].startswith("otter-grader")
        inside = held.read(place.removeprefix("/autograder/source/"))
    assert inside == packed[0].read_bytes()


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """The wheel, and a folder where pip has put it."""
    place = tmp_path_factory.mktemp("packed")
    path = build.wheel(place)
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(place / "site"), str(path)], check=True)
    return path, place / "site"


def test_the_command_without_otter_writes_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert cli.main(["course", "--out", str(tmp_path / "x")]) == 2
    assert "./reproduce.sh course" in capsys.readouterr().err and not (tmp_path / "x").exists()


# ---------------------------------------------------------------- what students are told


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # a wrong answer may well divide by 0
def test_the_table_of_wrong_answers_is_what_students_are_told():
    """docs/course/wrong_answers.md; where it differs, $EMOLIB_COURSE_TABLES=docs/course writes it."""
    lines = [
        "# The usual wrong answers, and what a student is told",
        "",
        "Made by `tests/test_course.py` from `tests/course_wrong.py`; every row was run.",
        "",
        "| exercise | question | the answer | first try | second try |",
        "|---|---|---|---|---|",
    ]
    for number, question, answer, _ in WRONG:
        names, tests, _ = solved(number)
        mine = course_help.answered(names, answer)
        told = [course_help.check(mine, tests[question], tries) for tries in (0, 1)]
        cells = [" ".join(text.replace("|", "\\|").split()) for text in (answer, *told)]
        lines.append(f"| {number} | {question} | `{cells[0]}` | {cells[1]} | {cells[2]} |")
    text = "\n".join(lines) + "\n"
    course_help.keep_text("wrong_answers.md", text)
    assert (ROOT / "docs" / "course" / "wrong_answers.md").read_text() == text
