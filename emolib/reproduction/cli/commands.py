"""What each command does: a function of its options (main.py) that returns the exit status.

Imports stand in the functions, so that a command waits for nothing that it does not use.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from emolib.ground.errors import EmolibError, nearest, printable


def reproduce(options) -> int:
    from emolib.reproduction.cli import runner

    parameters = {}
    for text in options.set:
        name, equals, value = text.partition("=")
        if not equals:
            raise EmolibError(f"--set {text}: expected NAME=VALUE")
        parameters[name] = _plain(value)
    if parameters and not options.only:
        raise EmolibError("--set needs --only: parameters belong to one notebook")
    return runner.reproduce(options.profile, options.only, parameters)


def _plain(text: str):
    """A number, True, False or None where the text is one; else the text."""
    import ast

    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def run(options) -> int:
    from emolib.reproduction import studies

    for name, act in studies.tasks(options.name):
        start = time.perf_counter()
        act(options.profile)
        print(f"{name}: stored ({time.perf_counter() - start:.1f} s)")
    return 0


def features(options) -> int:
    """An unknown name or a missing model file ends the command before any data is read."""
    import pandas as pd

    from emolib import data
    from emolib.data.catalog import CATALOG
    from emolib.features import detectors, extract, store

    wanted = dict.fromkeys(options.feature or ["landmarks"])
    asked = [(options.set, CATALOG, "data set"), (options.detector, detectors.NAMES, "detector")]
    asked += [(feature, extract.FEATURES, "feature") for feature in wanted]
    for name, names, what in asked:
        if name not in names:
            raise nearest(name, names, what=what)
    rows = []
    for feature in wanted:
        more = {"modality": "av" if feature == "mel" else "v", "kind": "rendered"}
        more = {name: value for name, value in more.items() if data.takes(options.set, name)}
        made = data.load(options.set, source=options.source, profile=options.profile, **more)
        recipe = extract.recipe(
            feature,
            detector=options.detector,
            backbone=options.backbone,
            pictures=store.is_pictures(made),
        )
        try:
            rows.append(store.extract(made, recipe))
        except store.TimeIsUp as error:
            print(f"emolib: {error}", file=sys.stderr)
            return 3
    print(pd.concat(rows).to_string(index=False, float_format="{:.4g}".format))
    return 0


def magnify(options) -> int:
    """The warnings of the magnifier are said in one line each, as errors are."""
    import warnings

    from emolib import evm

    video, mode, high = Path(options.video), options.mode, options.high
    if high is None:
        high = 5.0 if mode == "motion" else 3.0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", evm.TooShort)
        warnings.simplefilter("always", evm.TooLarge)
        made = evm.magnify_file(
            video,
            options.film or video.with_name(f"{video.stem}-{mode}.mp4"),
            options.low,
            high,
            options.alpha,
            mode,
            options.filter,
            options.gain,
            wavelength=options.wavelength,
            chroma=options.chroma,
            fps=options.fps,
            device=options.on,
        )
    for warning in caught:
        print(f"emolib: {warning.message}", file=sys.stderr)
    print(made)
    return 0


def trace(options) -> int:
    from emolib.reproduction.cli import trace

    # a broken film ends the command before any network is read or trained
    trace.check(options.video, options.seconds)
    if options.network not in ("emolib", "paper"):
        raise EmolibError(f"--network {options.network}: expected emolib or paper")
    if options.network == "paper":
        from emolib.reproduction.studies.adfes import plan

        network = trace.Network(**plan.Study(options.profile).network())
    else:
        network = trace.shipped()
    print(trace.trace(options.video, network, options.folder, seconds=options.seconds))
    return 0


def predict(options) -> int:
    from emolib.reproduction.cli import predict

    return predict.act(options)


def networks(options) -> int:
    from emolib.reproduction.cli import networks

    return networks.act(options)


def list_(options) -> int:
    from emolib.reproduction import papers
    from emolib.reproduction.cli import runner

    table = papers.everything()
    here = set(runner.notebooks())
    if options.name:
        keep = (table[["paper", "id"]] == options.name).any(axis=1)
        keep |= table.notebook == options.name[:2]
        if not keep.any():
            raise runner.unknown(options.name, sorted(here))
        table = table[keep]
    times = runner.measured(options.profile)
    seconds = [times.get((n, i)) for n, i in zip(table.notebook, table.id, strict=True)]
    table = table.assign(
        ready=["yes" if n in here else "not yet" for n in table.notebook],
        minutes=["" if s is None else f"{s / 60:.2f}" for s in seconds],
    )
    columns = ["id", "label", "title", "notebook", "data", "status", "same_as", "ready", "minutes"]
    print(table[columns].to_string(index=False))
    if options.profile == "full":
        from emolib.reproduction.cli import hours

        print(hours.table(sorted(set(table.notebook))))
    if options.profile == "overnight":
        from emolib.reproduction.cli import nights

        print(nights.table(sorted(set(table.notebook))))
    print(runner.minutes(options.profile, sorted(set(table.notebook), key=runner.ORDER.index)))
    return 0


def doctor(options) -> int:
    from emolib import candide, data
    from emolib.data.catalog import CATALOG, MODELS
    from emolib.ground import settings

    table, (state, detail) = data.doctor(options.data), candide.check()
    print(f"data folder: {printable(settings.data_root())}\n")
    for row in table.rename(columns={"used for": "used_for"}).itertuples():
        found = f"{row.found} of " if row.found else ""
        print(f"{row.set:15} {row.state:8} {found}{row.expected}; {row.detail}")
        for line in filter(None, (row.duplicates, row.damaged)):
            print(f"{'':24} {line}")
        if row.state != "found":
            print(f"{'':24} {row.MB} MB, for {row.used_for}; {how_to_get(CATALOG[row.set])}")
    if not data.there(MODELS):
        print(f"{'models':15} absent   {MODELS.title}; {how_to_get(MODELS)}")
    print(f"{candide.Candide.name:15} {state:8} {detail}")
    if state != "found":
        print(f"{'':24} research only; access: Linköping University; for chang2021: action units")
    for line in detectors():
        print(line)
    return 1 if "damaged" in {state, *table.state} else 0


def get(options) -> int:
    """What, how large, on what terms, before the first byte; then download and look into it."""
    from emolib.data import fetch
    from emolib.data.catalog import CATALOG, MODELS
    from emolib.ground import settings

    known, root = CATALOG | {MODELS.name: MODELS}, settings.data_root()
    if not options.names:
        for entry in known.values():
            print(f"{entry.name:18} {how_to_get(entry)}")
        return 0
    asked = [known.get(name) for name in options.names]
    if None in asked:
        raise nearest(options.names[asked.index(None)], known, what="data set")
    for entry in asked:
        if not entry.downloads:
            print(f"{entry.title}: {how_to_get(entry)}")
            continue
        if fetch.complete(entry, root):
            print(f"{entry.title} is in {root / entry.folder} already; remove it to get it anew")
            continue
        print(f"{entry.title}: {fetch.megabytes(entry):.0f} MB from {entry.page}")
        print(f"licence: {entry.licence}; it goes into {root / entry.folder}")
        if not options.yes and not _agreed():
            print("nothing was downloaded")
            continue
        written = fetch.fetch(entry, root)
        print(
            f"{entry.title}: {len(written)} files in {root / entry.folder}; doctor looks into them"
        )
    return 0


def _agreed() -> bool:
    """Does who sits before the screen type y?"""
    if not sys.stdin.isatty():
        raise EmolibError("get asks before it downloads; in a script say --yes")
    return input("download it? [y/N] ").strip().lower() in ("y", "yes")


def how_to_get(entry) -> str:
    """One line: the command, or who grants access and where."""
    from emolib import data

    if entry.downloads:
        return f"./reproduce.sh get {entry.name} ({entry.licence})"
    line = f"{entry.access} ({entry.licence}): {entry.page}"
    return f"a part ships with emolib; all of it: {line}" if data.ships(entry.name) else line


def detectors() -> list[str]:
    """One line per missing face detector: what is missing and which package brings it."""
    libraries = {"libGLESv2": "libgles2", "libEGL": "libegl1", "libGL": "libgl1"}
    lines = []
    for module, package in (("mediapipe", "mediapipe"), ("dlib", "dlib-bin")):
        try:
            __import__(module)
        except ImportError as error:
            absent = [library for name, library in libraries.items() if name in str(error)]
            cure = f"install the system package {absent[0]}" if absent else f"pip install {package}"
            lines.append(f"detector {module} is off: {error}; {cure}")
    return lines


def diff(options) -> int:
    """Ends with 1 where something differs that was made from the same data."""
    from emolib.reproduction.report import files as results

    table = results.diff(Path(options.a), Path(options.b))
    for row in table[table.state != "same"].itertuples():
        print(printable(f"{row.state:20} {row.file}  {row.detail}"))
    print(", ".join(f"{n} {state}" for state, n in table.state.value_counts().items()))
    return 1 if (table.state == "different").any() else 0


FAST = "not slow and not drill and not browser"


def test(options) -> int:
    """The fast tests in two processes; with --all then the others one by one, since they time."""
    rest = [a for a in options.rest if a != "--all"]
    failed = _pytest(["-n", "2", "-m", FAST, *rest])
    if "--all" in options.rest:
        failed = _pytest(["-m", f"not ({FAST})", *rest]) or failed
    return failed


def bench(options) -> int:
    from emolib.ground import settings

    chosen = [a for a in options.rest if a.endswith(".py")]
    every = sorted(str(p) for p in (settings.project() / "tests").glob("bench_*.py"))
    rest = [a for a in options.rest if a not in chosen]
    columns = "--benchmark-columns=min,median,max,rounds"
    return _pytest(["--benchmark-only", columns, *(chosen or every), *rest])


def _pytest(arguments: list[str]) -> int:
    from emolib.ground import settings

    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], cwd=settings.project()
    ).returncode


def lab(options) -> int:
    import os

    from emolib.ground import settings

    if getattr(os, "geteuid", lambda: 1)() == 0 and "--allow-root" not in options.rest:
        raise EmolibError("lab: Jupyter does not run for root; as another user, or --allow-root")
    command = [sys.executable, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1", "--notebook-dir"]
    notebooks = str(settings.project() / "notebooks")
    return subprocess.run([*command, notebooks, *options.rest]).returncode


def explore(options) -> None:
    from emolib.reproduction.explore import page

    if options.theme not in ("light", "dark"):
        raise nearest(options.theme, ("light", "dark"), what="theme")
    page.serve(
        options.profile, port=options.port, theme=options.theme, browser=not options.no_browser
    )


def course(options) -> int:
    from emolib.ground import settings
    from emolib.reproduction.course import build, grade, pages

    given = options.folder or settings.project() / "results" / "local" / "course"
    folder = Path(given)
    if options.grade:
        table = grade.folder(Path(options.grade), folder / "solutions")
        print(table.to_string(index=False))
        return 0
    made = pages.make(folder)
    if options.gradescope:
        made += build.gradescope(folder)
    print(f"{len(made)} files in {folder}")
    print(folder / "index.html")
    return 0


def book(options) -> int:
    from emolib.reproduction.cli import book

    print(book.build(options.profile))
    return 0


def docs(options) -> int:
    from emolib.reproduction.cli import docs

    for path in [*docs.write_all(), *(docs.take_pictures() if options.pictures else ())]:
        print(path)
    return 0
