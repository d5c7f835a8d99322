"""Runs notebooks: in order of need, with strict parameters, one summary at the end.

Papermill executes them, one kernel serves them in turn (kernels.py). Where things are goes through
the environment (settings.py), what to run through the one `parameters` cell.
"""

from __future__ import annotations

import math
import sys
import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from emolib.ground import settings
from emolib.ground.errors import EmolibError, nearest
from emolib.reproduction import papers
from emolib.reproduction.cli import kernels
from emolib.reproduction.cli.standing import Standing, stamps
from emolib.reproduction.report import executed as reading
from emolib.reproduction.report import files as results

# Order of need: 13 trains the backbone of 11 and 12, 41 the source weights of 42 and 44
# fmt: off
ORDER = (
    "00", "01", "02", "03", "10", "13", "11", "12", "14",
    "20", "30", "40", "41", "42", "43", "44", "90", "99",
)
# fmt: on
REPORT = "99"  # runs whenever anything was asked for
TIME_IS_UP = 3  # exit status when --max-minutes ended the command


def notebooks() -> dict[str, Path]:
    """The numbered notebooks by number, in order of need."""
    folder = settings.project() / "notebooks"
    paths = {p.name[:2]: p for p in sorted(folder.glob("[0-9][0-9]_*.ipynb"))}
    if not paths:
        raise EmolibError(f"{folder}: no notebooks there; run emolib from its checkout")
    return {n: paths[n] for n in (*ORDER, *sorted(set(paths) - set(ORDER))) if n in paths}


def selected(only: list[str]) -> dict[str, Path]:
    """The notebooks behind papers, notebook numbers or names, and artefact ids (none: all).

    Whatever is asked for, the report (99) is brought up to date with it. A notebook that this
    version lacks is named; when nothing else was asked for, that is an error.
    """
    every = notebooks()
    if not only:
        return every
    table = papers.everything()
    wanted: set[str] = set()
    for name in only:
        if name in table.paper.values:
            wanted |= set(table.notebook[table.paper == name])
        elif name in every or name in {p.stem for p in every.values()}:
            wanted.add(name[:2])
        elif name in table.id.values:
            wanted.add(papers.artefact(name).notebook)
        else:
            raise unknown(name, every)
    missing = ", ".join(sorted(wanted - set(every)))
    if missing and not wanted & set(every):
        raise EmolibError(f"{', '.join(only)}: notebook {missing} is not part of this version yet")
    if missing:
        print(f"not part of this version yet: notebook {missing}")
    return {n: p for n, p in every.items() if n in wanted | {REPORT}}


def unknown(name: str, numbers: Iterable[str]) -> EmolibError:
    """The error for a name that is no paper, none of the notebooks `numbers`, and no artefact."""
    names = [*papers.PAPERS, *papers.HOUSE, *numbers, *papers.everything().id]
    return nearest(name, names, what="paper, notebook or artefact")


def check_parameters(path: Path, given: dict) -> None:
    """Refuse a parameter that the notebook does not have; papermill would only warn."""
    from papermill import inspect_notebook

    try:
        known = inspect_notebook(str(path))
    except Exception as error:  # nbformat and papermill have many words for a damaged notebook
        reason = " ".join(str(error).split())[:100]
        raise EmolibError(f"{path}: not a readable notebook ({reason}); get it anew") from None
    for name in given:
        if name not in known:
            raise nearest(name, known, what=f"parameter of {path.name}")


@dataclass
class Ended:
    """How one notebook ended: seconds, and an error in one line ('' if none)."""

    notebook: str
    seconds: float
    error: str = ""
    status: int = 0
    not_made: Sequence[str] = ()  # artefacts that it would have written, had it not failed


def execute(path: Path, parameters: dict, executed: Path, kernel: kernels.Kernel) -> Ended:
    """Run one notebook; its outputs go to `executed`. Whatever goes wrong is told in the answer."""
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    start = time.perf_counter()

    def ended(error: str, status: int) -> Ended:
        return Ended(path.stem, time.perf_counter() - start, " ".join(error.split()), status)

    try:
        executed.parent.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of papermill's dependencies; kernels filter their own
            papermill.execute_notebook(
                str(path),
                str(executed),
                parameters=parameters,
                kernel_name="python3",
                km=kernel.manager(),
                iopub_timeout=60,  # nbclient's 4 s are short where others work beside us
                cwd=str(path.parent),
                progress_bar=False,
                stdout_file=sys.stdout,
                stderr_file=sys.stderr,
            )
    except PapermillExecutionError as error:
        if error.ename == "EmolibError":
            return ended(error.evalue, TIME_IS_UP if "time is up" in error.evalue else 2)
        where = f"cell {error.exec_count} of {executed}"
        return ended(f"{error.ename}: {error.evalue} ({where})", 1)
    except DeadKernelError:
        killed = (
            "its process was killed, most likely because memory ran out; what is finished is "
            "stored, and the same command, with fewer processes (--jobs 1) if need be, "
            "goes on from here"
        )
        return ended(killed, 1)
    except OSError as error:  # of the copy with the outputs: the kernel's own are in its cells
        reason = f"cannot be written ({error.strerror or error})"
        return ended(f"{executed}: {reason}; free space or choose another --cache", 2)
    except Exception as error:  # a notebook that cannot be read, a kernel that does not start
        return ended(f"{type(error).__name__}: {error}", 1)
    return ended("", 0)


def reproduce(profile: str, only: list[str], parameters: dict) -> int:
    """Run the chosen notebooks and say how it went; returns the exit status.

    `parameters` go to the notebooks that were asked for, not to the report that follows them.
    """
    chosen = selected(only)
    given = {n: {"profile": profile} | parameters for n in chosen}
    if REPORT in chosen and only != [REPORT]:
        given[REPORT] = {"profile": profile}
    for number, path in chosen.items():
        check_parameters(path, given[number])
    folder = results.usable(settings.results(profile))
    ended, standing = [], Standing(profile)
    usual = {n: took for (n, artefact), took in measured(profile).items() if not artefact}
    if profile == "overnight":
        from emolib.reproduction.cli import nights

        usual = {n: 60 * took for n, took in nights.estimates().items()} | usual
    with kernels.Kernel() as kernel:
        for place, (number, path) in enumerate(chosen.items()):
            if number != REPORT and standing.stands(path, given[number], folder):
                print(f"{path.stem}: up to date", flush=True)
                continue
            left = time_left(list(chosen)[place:], ended, usual)
            print(f"{path.stem} ... (notebook {place + 1} of {len(chosen)}{left})", flush=True)
            before = stamps(folder)
            executed = settings.cache() / "executed" / profile / path.name
            one = execute(path, given[number], executed, kernel)
            _read(one, executed, folder, profile)
            ended.append(one)
            _time(folder, number, one)
            written = [name for name, about in stamps(folder).items() if before.get(name) != about]
            if one.error:
                table = papers.everything()
                made = {Path(name).stem for name in written if name.endswith(".json")}
                one.not_made = sorted(set(table.id[table.notebook == number]) - made)
            else:
                standing.keep(path, given[number], folder, written)
            print(f"{path.stem}: {one.error or 'done'} ({one.seconds:.1f} s)", flush=True)
            if one.status == TIME_IS_UP:
                break
    return summary(profile, folder, ended)


def time_left(numbers: list[str], ended: list[Ended], usual: dict[str, float]) -> str:
    """', about 6 minutes left': the `usual` seconds of notebooks still to run, at the pace of those
    that ended; '' where one of them has no usual time.
    """
    if not set(numbers) - {REPORT} <= set(usual):
        return ""
    done = [one for one in ended if one.notebook[:2] in usual and not one.error]
    expected = sum(usual[one.notebook[:2]] for one in done)
    pace = sum(one.seconds for one in done) / expected if expected else 1.0
    minutes = math.ceil(pace * sum(usual.get(n, 0) for n in numbers) / 60)
    return f", about {minutes} minute{'s' if minutes > 1 else ''} left" if minutes else ""


def _time(folder: Path, number: str, ended: Ended) -> None:
    from emolib.reproduction.report.show import TIMING_COLUMNS

    row = {"notebook": number, "artefact": "", "wall_seconds": f"{ended.seconds:.2f}", "cached": ""}
    try:
        results.update_rows(folder / "timings.csv", [row], ("notebook", "artefact"), TIMING_COLUMNS)
    except EmolibError as error:  # a disk that is full now may have room for the next notebook
        ended.error, ended.status = ended.error or str(error), ended.status or 2


def _read(ended: Ended, executed: Path, folder: Path, profile: str) -> None:
    """Keep what an executed notebook showed beside the results, where it ended well."""
    try:
        if not ended.error:
            reading.keep(executed, folder, profile)
    except EmolibError as error:
        ended.error, ended.status = str(error), 2


def measured(profile: str) -> dict[tuple[str, str], float]:
    """(notebook, artefact) -> seconds in the committed results; ('20', '') is all of notebook 20.

    Only what was computed then: an artefact with a stored run behind it, and a notebook with such
    an artefact, is left out.
    """
    path = settings.committed(profile) / "timings.csv"
    if not path.exists():
        return {}
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    stale = set(rows.notebook[rows.cached == "True"])
    rows = rows[(rows.cached != "True") & ((rows.artefact != "") | ~rows.notebook.isin(stale))]
    return {(r.notebook, r.artefact): float(r.wall_seconds) for r in rows.itertuples()}


def minutes(profile: str, wanted: list[str]) -> str:
    """What notebooks took when the committed results were made; nothing is guessed for others."""
    times = measured(profile)
    known = {n: times[n, ""] / 60 for n in wanted if (n, "") in times}
    if not known:
        return f"minutes at {profile}: not measured in any notebook"
    each = ", ".join(f"{n} {took:.1f}" for n, took in known.items())
    others = ", ".join(n for n in wanted if n not in known)
    total = (
        f"minutes at {profile}, as measured for the committed results: {sum(known.values()):.1f}"
    )
    return f"{total} in all ({each})" + (f"; not measured: {others}" if others else "")


def summary(profile: str, folder: Path, ended: list[Ended]) -> int:
    """The last lines of a run: what failed, where the results are, how they compare."""
    print()
    for one in ended:
        if one.error:
            print(f"FAILED {one.notebook}: {one.error}", file=sys.stderr)
            if one.not_made:
                print(f"  not made: {', '.join(one.not_made)}", file=sys.stderr)
    print(f"results: {folder}  ({sum(e.seconds for e in ended):.0f} s in {len(ended)} notebooks)")
    reference = settings.committed(profile)
    if reference.is_dir() and reference.resolve() != folder.resolve():
        print(comparison(folder, reference))
    if counted := outcomes(folder):
        print(counted)
    if (folder / "index.html").exists():
        print(f"report:  {folder / 'index.html'}")
    statuses = {e.status for e in ended}
    return 1 if 1 in statuses else max(statuses, default=0)  # something broken outweighs bad input


SHOWN = 5  # differences that a summary names


def comparison(folder: Path, reference: Path) -> str:
    """How many files equal the committed ones, how many could not, and what nobody expected."""
    table = results.diff(folder, reference)
    state = table.state
    alike, other = state.isin(["same", "within tolerance"]), state == results.OTHER_DATA
    odd = table[state == "different"]
    compared = table[alike | other | (state == "different")]
    lines = [f"compared with {reference}: {alike.sum()} of {len(compared)} files equal it"]
    if other.any():
        sets = sorted(set("; ".join(table.detail[other]).split("; ")))
        lines.append(f"  {other.sum()} were made from other data: {', '.join(sets)}")
    if len(odd):
        lines.append(f"  {len(odd)} differ on the same data:")
    lines += [f"    {row.file}, {row.detail}" for row in odd[:SHOWN].itertuples()]
    if len(odd) > SHOWN:
        command = f"./reproduce.sh diff {folder} {reference}"
        lines.append(f"    and {len(odd) - SHOWN} more: {command}")
    return "\n".join(lines)


def outcomes(folder: Path) -> str:
    """The claims of a result folder, counted by outcome; '' where none has been judged."""
    from emolib.reproduction import report

    counts = report.outcomes(results.read(folder / "claims.csv"))
    told = "; ".join(f"{count} {outcome}" for outcome, count in counts.items())
    return f"claims:  {told}" if told else ""
