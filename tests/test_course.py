"""The course: every solution passes its checks, the usual wrong answers fail with a hint, and nothing of a solution reaches a student."""

import ast
import importlib.util
import json
import re
import time

import course_help
import nbformat
import numpy as np
import pytest

from emolib.ground.errors import EmolibError
from emolib.reproduction.cli import course
from emolib.reproduction.cli import main as cli

SOURCES = course.sources()
FAST = "01"  # checked in every run; the others load more and are slow
EVERY = [pytest.param(n, marks=() if n == FAST else pytest.mark.slow) for n in SOURCES]
NO_OTTER = importlib.util.find_spec("otter") is None
needs_otter = pytest.mark.skipif(
    NO_OTTER,
    reason="NOT TESTED: the versions for students; otter-grader is not installed (the extra `course`)",
)

# What students write when they go wrong: exercise, question, answer, what the hint must say.
WRONG = [
    ("01", "q1", "def ccc(x, y): return np.corrcoef(x, y)[0, 1]", "shift costs"),
    (
        "01",
        "q1",
        "def ccc(x, y): return 2 * np.cov(x, y)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)",
        "n - 1",
    ),
    ("01", "q1", "def ccc(x, y): ...", "nothing came back yet"),
    ("01", "q2", "def safest(y): return np.full(len(y), np.median(y))", "median"),
    ("01", "q2", "def safest(y): return y.mean()", "array of shape"),
    (
        "01",
        "q3",
        "def speed_error(p, t): return float(np.linalg.norm(np.diff(p - t, axis=0), axis=1).mean())",
        "lengths first",
    ),
    (
        "01",
        "q3",
        "def speed_error(p, t):\n    a, b = (np.linalg.norm(np.diff(v, axis=0), axis=1) for v in (p, t))\n    return float(abs((a - b).mean()))",
        "before the mean",
    ),
    (
        "01",
        "q4",
        "def direction_error(a, b): return float(np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).mean())",
        "np.diff|cross product",
    ),
    (
        "01",
        "q4",
        "def direction_error(p, t):\n    a, b = np.diff(p, axis=0), np.diff(t, axis=0)\n    return float(abs((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).mean()))",
        "must not cancel",
    ),
    (
        "01",
        "q5",
        "def non_inertial(p, t): return float(((p - t) ** 2).sum(1).mean() + speed_error(p, t) + direction_error(p, t))",
        "not their sum",
    ),
    ("01", "q6", "def blind_spot(t): return t + 0.5", "not wrong enough"),
    ("01", "q6", "def blind_spot(t): return 0 * t", "as fast as"),
    ("02", "q1", "def skin_green(f, s): return (f[..., 1] * s).mean((1, 2))", "channel|divide"),
    ("02", "q1", "def skin_green(f, s): return (f[..., 0] * s).sum((1, 2)) / s.sum()", "green"),
    (
        "02",
        "q2",
        "def beats(x, fps):\n    h = np.fft.rfftfreq(len(x), 1 / fps)\n    return h[np.abs(np.fft.rfft(x - x.mean())).argmax()]",
        "times 60",
    ),
    (
        "02",
        "q2",
        "def beats(x, fps):\n    h = np.fft.rfftfreq(16 * len(x), 1 / fps)\n    return 60 * h[np.abs(np.fft.rfft(x - x.mean(), 16 * len(x))).argmax()]",
        "slow drift",
    ),
    (
        "02",
        "q3",
        "def band_pass(x, fps, low, high):\n    h, s = np.fft.rfftfreq(len(x), 1 / fps), np.fft.rfft(x)\n"
        "    return np.fft.irfft(np.where(h <= high, s, 0), n=len(x))",
        "the mean",
    ),
    (
        "02",
        "q4",
        "def magnify_pixel(x, fps, low, high, alpha): return alpha * band_pass(x, fps, low, high)",
        "the frame stays",
    ),
    ("02", "q4", "growth_at_alpha_5 = 5", "once and in alpha B"),
    ("02", "q5", "helps = True", "both grow alike"),
    ("02", "q6", "band = (0.8, 3)", "lamp"),
    ("02", "q6", "band = (1.55, 2)", "loses the pulse"),
    (
        "03",
        "q1",
        "def angle(a, b): return float(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))",
        "np.degrees",
    ),
    ("03", "q1", "def angle(a, b): return float(np.degrees(np.arccos(a @ b)))", "lengths"),
    (
        "03",
        "q2",
        "def angles(a):\n    u = a / np.linalg.norm(a, axis=1, keepdims=True)\n    return np.degrees(np.arccos(np.clip(u @ u.T, -1, 1)))",
        "units are columns",
    ),
    ("03", "q3", "largest = 180", "positive"),
    ("03", "q3", "def centred_angles(a): return angles(a)", "about 0.5"),
    (
        "03",
        "q4",
        "def survivors(t, least): return [i for i in range(len(t)) if all(t[i, j] >= least for j in range(len(t)) if j != i)]",
        "one|only|keep its twin",
    ),
    (
        "03",
        "q4",
        "def survivors(t, least): return [j for j in range(len(t)) if all(t[i, j] >= least for i in range(j))]",
        "look again",
    ),
    (
        "03",
        "q5",
        "def merged(w, stays, goes):\n    w = w.copy(); w[goes] = 0\n    return w",
        "add row 2",
    ),
    (
        "03",
        "q5",
        "def merged(w, stays, goes):\n    w[stays] += w[goes]; w[goes] = 0\n    return w",
        "copy",
    ),
    ("03", "q6", "counts = (16, 16)", "centred_angles"),
    ("04", "q1", "def on_both_sides(s, a, b): return sorted(set(a) & set(b))", "films of the rows"),
    (
        "04",
        "q2",
        "def film_split(s, share, seed):\n    o = np.random.default_rng(seed).permutation(len(s))\n    k = int(share * len(s))\n    return o[k:], o[:k]",
        "draw films",
    ),
    (
        "04",
        "q2",
        "def film_split(s, share, seed):\n    t = np.isin(s, np.unique(s)[:max(1, round(share * len(np.unique(s))))])\n"
        "    return np.flatnonzero(~t), np.flatnonzero(t)",
        "another seed",
    ),
    (
        "04",
        "q3",
        "def nearest(x, y, t): return y[((t[:, None] - x[None]) ** 2).sum(-1).argmax(1)]",
        "the smallest",
    ),
    (
        "04",
        "q4",
        "def mirrored_twins(a, b): return np.array([i for i, p in enumerate(b) if any((p == q[::-1]).all() for q in a)])",
        "array of shape|upside down",
    ),
    (
        "04",
        "q5",
        "def first_of_each(p): return np.array([sum((a == b).all() for b in p) == 1 for a in p])",
        "do not drop the first",
    ),
    (
        "04",
        "q5",
        "def first_of_each(p): return np.r_[True, [not (a == b).all() for a, b in zip(p[1:], p)]]",
        "wherever its copies",
    ),
    (
        "04",
        "q6",
        "def folds(s): return [(np.flatnonzero(s == k), np.flatnonzero(s != k)) for k in np.unique(s)]",
        "test rows",
    ),
    (
        "05",
        "q1",
        "def ceilings(y, a, b): return (a == y).mean(), (b == y).mean(), max((a == y).mean(), (b == y).mean())",
        "OR the voice",
    ),
    ("05", "q2", "def late_fusion(a, b): return (a + b) / 2", "not the mean"),
    ("05", "q2", "def late_fusion(a, b): return a * b", "by its sum"),
    (
        "05",
        "q3",
        "def multi_loss(j, s, y): return sum(F.cross_entropy(v, y) for v in s)",
        "AND the joint",
    ),
    (
        "05",
        "q3",
        "def multi_loss(j, s, y): return sum(F.cross_entropy(v, y) for v in [j, *s]) / (1 + len(s))",
        "not the mean",
    ),
    (
        "05",
        "q4",
        "def residual_perceptron(f, w, b):\n    u = 1 / (1 + np.exp(-(f @ w.T + b)))\n    return (u - u.mean(0)) / np.sqrt(u.var(0) + 1e-5)",
        "forget to add f",
    ),
    (
        "05",
        "q4",
        "def residual_perceptron(f, w, b):\n    u = 1 / (1 + np.exp(-(f @ w.T + b)))\n"
        "    return f + (u - u.mean(1, keepdims=True)) / np.sqrt(u.var(1, keepdims=True) + 1e-5)",
        "axis 0",
    ),
    (
        "05",
        "q5",
        "def paired_interval(a, b, draws=2000, seed=0):\n    r = np.random.default_rng(seed)\n"
        "    d = [r.choice(a, len(a)).mean() - r.choice(b, len(b)).mean() for _ in range(draws)]\n"
        "    return a.mean() - b.mean(), *np.quantile(d, [0.025, 0.975])",
        "far too wide|against itself",
    ),
    (
        "05",
        "q6",
        "def verdict(low, high): return 'helps' if low + high > 0 else 'hurts'",
        "not a proof",
    ),
    ("06", "q1", "def concatenate(a, b): return np.concatenate([a[0], b[0]]), a[1]", "biases"),
    (
        "06",
        "q2",
        "def blend(a, b, alpha):\n    k = concatenate([v[:-1] for v in a], [v[:-1] for v in b])\n"
        "    return concatenate(k, [((1 - alpha) * p[-1] + alpha * q[-1])[None] for p, q in zip(a, b)])",
        "OLD unknown",
    ),
    ("06", "q2", "def blend(a, b, alpha): return concatenate(a, b)", "once"),
    (
        "06",
        "q3",
        "def forgetting(a): return float((a[-1] - np.diagonal(a))[:-1].mean())",
        "lost 0.9",
    ),
    (
        "06",
        "q3",
        "def forgetting(a): return float((a.max(0) - a[-1])[:-1].mean())",
        "not at its best",
    ),
    (
        "06",
        "q4",
        "def prune_histogram(w, m): return np.where((w >= w.min() + m) & (w <= w.max() - m), w, 0.0)",
        "tails stay",
    ),
    (
        "06",
        "q4",
        "def prune_histogram(w, m):\n    w[(w >= w.min() + m) & (w <= w.max() - m)] = 0\n    return w",
        "return a new array|tails stay",
    ),
    (
        "06",
        "q5",
        "def align(w, n): return w / np.linalg.norm(w, axis=1, keepdims=True) * 5",
        "one factor|One factor",
    ),
    ("06", "q6", "can_change = True", "unknown row alone"),
]


# ---------------------------------------------------------------- the sources


def test_there_are_six_exercises_of_45_to_90_minutes():
    assert list(SOURCES) == ["01", "02", "03", "04", "05", "06"]
    for path in SOURCES.values():
        told = course.notes(path)
        whole, *parts = map(int, re.findall(r"\d+(?= minutes)|(?<=: )\d+", told["time"]))
        assert 45 <= whole <= 90 and sum(parts) == whole, f"{path.name}: {told['time']}"
        assert len(told["mistakes"]) >= 5
        assert f"About {whole} minutes" in "\n".join(t for _, t in course.cells(path)), (
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
    texts = [t for _, t in course.cells(path)]
    assert sum("nd of the first half" in t for t in texts) == 1
    assert (
        sum(t.startswith("# BEGIN QUESTION") for t in texts)
        == sum(t.startswith("# END QUESTION") for t in texts)
        == 6
    )
    for kind, text in course.cells(path):
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
        assert course.notes(path)["title"] in text


def test_notes_that_lack_something_are_told(tmp_path):
    raw = json.loads(SOURCES[FAST].read_text())
    cell = next(c for c in raw["cells"] if "".join(c["source"]).startswith("# IGNORE"))
    cell["source"] = [line for line in cell["source"] if not line.startswith("before")]
    (tmp_path / "01_x.ipynb").write_text(json.dumps(raw))
    with pytest.raises(EmolibError, match="lack before"):
        course.notes(tmp_path / "01_x.ipynb")


# ---------------------------------------------------------------- what the checks say


def test_expect_says_what_came_what_was_expected_and_the_hint():
    course.expect(1 / 3, 0.3333333333, "fine")
    course.expect([1, 2], np.array([1, 2]), "fine")
    for got, want, said in (
        (None, 1, "end with `return`"),
        ("yes", 1, "expected numbers, got str"),
        ([1, 2], 1, "expected one number"),
        ([1, 5, 9], [1, 2, 9], r"got 5 at \(1,\), expected 2"),
        (float("nan"), 1, "got nan"),
        (2, 1, "got 2, expected 1"),
    ):
        with pytest.raises(AssertionError, match=rf"{said}.*Hint: look here"):
            course.expect(got, want, "look here")


# ---------------------------------------------------------------- solutions and wrong answers

SOLVED: dict = {}


def solved(number):
    if number not in SOLVED:
        start = time.process_time()
        names, checks = course_help.solved(SOURCES[number])
        SOLVED[number] = names, checks, time.process_time() - start
    return SOLVED[number]


@pytest.mark.parametrize("number", EVERY)
def test_solutions_pass_their_checks_in_time(number):
    names, checks, seconds = solved(number)
    assert list(checks) == [f"q{k}" for k in range(1, 7)]
    assert seconds < 60, f"the whole exercise computes {seconds:.0f} s"
    for question, each in checks.items():
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
def test_a_wrong_answer_gets_its_hint(number, question, answer, hint):
    names, checks, _ = solved(number)
    said = course_help.check(course_help.answered(names, answer), checks[question])
    assert said.startswith("AssertionError: ") and re.search(hint, said), (
        said or "the check took it for right"
    )


@pytest.mark.parametrize("number", EVERY)
def test_an_answer_not_yet_given_gets_a_sentence(number):
    """Functions that end in `...` return None: the first check must say so, not fall over."""
    names, checks, _ = solved(number)
    for question, each in checks.items():
        mine = dict(names)
        for name in {
            p for one in each for p in one.__code__.co_varnames[: one.__code__.co_argcount]
        }:
            if getattr(names[name], "__module__", "") == "exercise":
                mine[name] = lambda *a, **k: None
        if mine != names:
            said = course_help.check(mine, each)
            assert said.startswith("AssertionError: "), f"{question}: {said}"


# ---------------------------------------------------------------- what otter makes of them


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = tmp_path_factory.mktemp("course")
    course.make(place)
    return place


@needs_otter
@pytest.mark.slow
def test_students_see_questions_and_checks_and_no_solution(made):
    for path in SOURCES.values():
        student = json.loads((made / "student" / path.name).read_text())
        text = "\n".join("".join(c["source"]) for c in student["cells"])
        assert not re.search(r"SOLUTION|IGNORE|BEGIN|mistakes:|discuss:", text)
        answers = [
            "".join(c["source"])
            for c in student["cells"]
            if "otter_answer_cell" in c["metadata"].get("tags", [])
        ]
        assert len(answers) == 6 and all("..." in a for a in answers), path.name
        assert set(student["metadata"]["otter"]["tests"]) == {f"q{k}" for k in range(1, 7)}
        full = "\n".join(
            "".join(c["source"])
            for c in json.loads((made / "autograded" / path.name).read_text())["cells"]
        )
        for kind, source in course.cells(path):
            for line in (
                re.findall(r"^(.*\S)\s+# SOLUTION$", source, flags=re.M) if kind == "code" else []
            ):
                assert line.strip() in full and (line.strip() not in text), (
                    f"{path.name}: '{line.strip()}' reaches students"
                )
        assert (made / "instructor" / f"{path.stem}.md").read_text() == course.notes_page(
            path
        ) + "\n"


@needs_otter
@pytest.mark.slow
def test_the_same_versions_twice(made, tmp_path, monkeypatch):
    monkeypatch.setattr(course, "sources", lambda: {FAST: SOURCES[FAST]})
    course.make(tmp_path)
    for kind in ("student", "autograded"):
        assert (tmp_path / kind / SOURCES[FAST].name).read_bytes() == (
            made / kind / SOURCES[FAST].name
        ).read_bytes()


@needs_otter
@pytest.mark.slow
def test_otter_itself_runs_the_solutions_of_the_first_exercise(tmp_path):
    course.assign([SOURCES[FAST]], tmp_path, check=True)
    assert (tmp_path / SOURCES[FAST].stem / "student" / SOURCES[FAST].name).exists()


def test_the_command_without_otter_writes_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert cli.main(["course", "--out", str(tmp_path / "x")]) == 2
    assert "pip install 'otter-grader" in capsys.readouterr().err and not (tmp_path / "x").exists()
