"""The command line: `python -m emolib`, installed as `emolib`, wrapped by reproduce.sh."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
import time
from pathlib import Path

from emolib import __version__
from emolib.ground.errors import EmolibError, guard, nearest, printable
from emolib.reproduction.cli import commands

EXAMPLES = """\
examples:
  ./reproduce.sh                               every table and figure at the quick profile
  ./reproduce.sh --profile smoke               the same, tiny: does everything run?
  ./reproduce.sh --only wang-t3                one artefact (or a paper: wang, or a notebook: 20)
  ./reproduce.sh --only 20 --set merge=True      another value for a knob of a notebook
  ./reproduce.sh --data ../my-data             real sets from a folder of yours
  ./reproduce.sh --jobs 4                      four processes
  ./reproduce.sh --profile overnight           what two processors can decide in a night
  ./reproduce.sh --device cuda --profile full  on a GPU, as the papers did it
  ./reproduce.sh --cluster tcp://10.0.0.5:8786 runs spread over a Dask cluster
  ./reproduce.sh --out results/mine            write somewhere else
  ./reproduce.sh --fresh                       compute anew, whatever is stored
  ./reproduce.sh --max-minutes 30              stop after half an hour (exit 3); resume later
  ./reproduce.sh lab                           open the notebooks in JupyterLab
  ./reproduce.sh explore                       clusters and confusions by hand, on a local page
  ./reproduce.sh list wang                     what there is: artefacts, notebooks, status
  ./reproduce.sh doctor                        which data sets are here, how to get the rest
  ./reproduce.sh get ravdess                   download a set that is free to download
  ./reproduce.sh run wang-t3 --profile full    fill the run store without Jupyter
  ./reproduce.sh features --set ravdess --feature landmarks --detector dlib
                                               features of a whole set, kept in the cache
  ./reproduce.sh magnify film.mp4 --mode motion  small motions of a film made large
  ./reproduce.sh trace film.mp4                a film as a path of emotion: .csv, .svg, .html
  ./reproduce.sh predict film.mp4              the emotion of a face and a voice by the second
  ./reproduce.sh diff results/quick results/local/quick   compare two result folders
  ./reproduce.sh course --out my-course        lecture map, handouts, slides, exercises, solutions
  ./reproduce.sh book                          report, notebooks, library: a static site
  ./reproduce.sh bench                         benchmarks beside plain references
  ./reproduce.sh test                          the tests; `test --all` adds the slow ones
"""
PASSED_ON = ("test", "bench", "lab")  # unknown options go on to the program behind these


def main(arguments: list[str] | None = None) -> int:
    """Entry point; the exit status: 0 fine, 1 something broke, 2 bad input, 3 time is up."""
    known = parser()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files need not be text
    try:
        options = _parsed(known, sys.argv[1:] if arguments is None else arguments)
        _apply(options)
        status = options.act(options) or 0
        sys.stdout.flush()
        return status
    except EmolibError as error:
        print(f"emolib: {printable(error)}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:  # `pip install emolib` alone brings the library
        package = (error.name or "").partition(".")[0]
        if package in ("", "emolib"):
            raise
        print(
            f"emolib: this needs the package '{package}': pip install 'emolib[reproduce]' (or, in "
            "a checkout, ./reproduce.sh, which sets everything up)",
            file=sys.stderr,
        )
        return 2
    except BrokenPipeError:  # `emolib list | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        # what was under way ends with an error that nobody waits for
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        print(
            "\nemolib: interrupted; what is finished is stored, the same command goes on from here",
            file=sys.stderr,
        )
        return 130


def _parsed(known: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """The options. A misspelt command and a film that is not there are said before all imports."""
    (choices,) = (a.choices for a in known._actions if isinstance(a, argparse._SubParsersAction))
    if arguments and not arguments[0].startswith("-") and arguments[0] not in choices:
        raise nearest(arguments[0], choices, what="command")
    options = known.parse_args(arguments)
    film = getattr(options, "video", None) or getattr(options, "file", None)
    if film and not film.startswith("webcam"):
        guard(film)
    return options


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="emolib",
        description="Five works on emotion recognition, every table and figure regenerated.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"emolib {__version__}")
    base = argparse.ArgumentParser(add_help=False)
    add = base.add_argument
    add("--profile", default="quick", help="smoke, quick (default), overnight or full")
    add("--data", metavar="DIR", help="folder of the real data sets (default $EMOLIB_DATA, data/)")
    add("--jobs", metavar="N", help="processes (default: all processors)")
    add("--cluster", metavar="ADDR", help="Dask scheduler, tcp://host:port or local:N")
    add("--device", help="cpu, cuda or auto (default)")
    add("--cache", metavar="DIR", help="run store (default $EMOLIB_CACHE or .cache)")
    add("--fresh", action="store_true", help="compute anew, whatever is stored")
    add("--max-minutes", type=float, metavar="M", help="start no run after M minutes; resumable")
    shared = argparse.ArgumentParser(add_help=False, parents=[base])
    shared.add_argument(
        "--out", metavar="DIR", help="result folder (default results/local/PROFILE)"
    )
    subparsers = top.add_subparsers(title="commands", metavar="", required=True)

    def command(name, act, help, *parents, **more):
        made = subparsers.add_parser(name, help=help, parents=parents, allow_abbrev=False, **more)
        made.set_defaults(act=act)
        return made.add_argument

    what = "a paper, notebook or artefact"
    about = "regenerate tables and figures (what reproduce.sh does by itself)"
    add = command("reproduce", commands.reproduce, about, shared)
    add("--only", metavar="NAME", action="append", default=[], help=f"{what}; may be repeated")
    about = "another value for a notebook parameter (with --only)"
    add("--set", metavar="NAME=VALUE", action="append", default=[], help=about)

    add = command("run", commands.run, "fill the run store without Jupyter", shared)
    add("name", help=what)
    add = command("list", commands.list_, "artefacts, notebooks and status", shared)
    add("name", nargs="?", help=what)
    command("doctor", commands.doctor, "which data sets are here", shared)
    add = command("get", commands.get, "download a data set that is free to download", shared)
    add("names", nargs="*", metavar="NAME", help="a data set, or models; none: list all")
    add("--yes", action="store_true", help="do not ask: for scripts")

    about = "extract features of a whole set into the cache"
    add = command("features", commands.features, about, shared)
    add("--set", required=True, metavar="NAME", help="a data set, real if at hand, else simulated")
    add("--source", default="auto", help="auto (default), real or simulated")
    about = "landmarks (default), pose, mesh, mel, backbone or texture; may be repeated"
    add("--feature", metavar="NAME", action="append", help=about)
    about = "dlib (default), mediapipe or simulator (the truth of simulated films)"
    add("--detector", default="dlib", metavar="NAME", help=about)
    about = "resnet50-ferplus (default), resnet50-imagenet, efficientnet_lite0 or resnet18-random"
    add("--backbone", default="resnet50-ferplus", metavar="NAME", help=about)

    about = "make small changes of colour, or small motions, of a film large"
    add = command("magnify", commands.magnify, f"{about} (Eulerian magnification)")
    add("video", metavar="VIDEO")
    about = "film to write (default VIDEO-color.mp4 or VIDEO-motion.mp4 beside it)"
    add("--out", metavar="FILE", dest="film", help=about)
    add("--mode", default="color", help="color (default) or motion")
    add("--low", type=float, default=0.8, metavar="HZ", help="low edge of the band (default 0.8)")
    about = "high edge of the band (default 3 for color, 5 for motion)"
    add("--high", type=float, metavar="HZ", help=about)
    about = "factor (default 5): the band grows 1 + alpha times"
    add("--alpha", type=float, default=5.0, help=about)
    about = "ideal (default; reads the film twice), butterworth or iir (at constant memory)"
    add("--filter", default="ideal", help=about)
    about = "1+alpha (default) or 1+alpha/2, what some programs mean by alpha"
    add("--gain", default="1+alpha", help=about)
    about = "motion: shorter waves are magnified less (default 8)"
    add("--wavelength", type=float, default=8.0, metavar="PIXELS", help=about)
    about = "share of the factor for colour beside brightness, 0 to 1 (default 1)"
    add("--chroma", type=float, default=1.0, metavar="SHARE", help=about)
    about = "true frames a second where the file's are not (default: the file's)"
    add("--fps", type=float, help=about)
    add("--device", dest="on", default="cpu", help="cpu (default), cuda or auto")

    about = "a film, or a webcam, as a path in the plane of valence and arousal"
    add = command("trace", commands.trace, about, base)
    about = "a film, or webcam (webcam:1 for the second camera; Ctrl-C ends it)"
    add("video", metavar="VIDEO", help=about)
    about = "where VIDEO-trace.csv, .svg and .html go (default: beside the film)"
    add("--out", metavar="DIR", dest="folder", help=about)
    add("--seconds", type=float, metavar="S", help="only the first S seconds")
    about = "emolib (default): the one that comes with it; paper: notebook 30's, trained once"
    add("--network", default="emolib", help=about)

    about = "name the emotion of a film or a recording, second by second"
    add = command("predict", commands.predict, about, shared)
    add("file", metavar="FILE", help="a film (mp4, avi, mkv ...) or a recording (wav, flac)")
    about = "picture to write (default FILE-emotions.png beside it), with a table as .csv"
    add("--plot", metavar="FILE", help=about)
    add("--use", default="both", help="both (default), face or sound: what may be looked at")

    about = "train and try the networks that come with emolib, and write their weights and cards"
    add = command("networks", commands.networks, about, base)
    add("names", nargs="*", metavar="NAME", help="faces, speech (default: both)")

    add = command("diff", commands.diff, "compare two result folders")
    add("a", metavar="A")
    add("b", metavar="B")
    command("test", commands.test, "run the tests", add_help=False)
    about = "run the benchmarks (some: tests/bench_mel.py)"
    command("bench", commands.bench, about, add_help=False)
    command("lab", commands.lab, "open the notebooks in JupyterLab")

    about = "open the explorer: a page on this machine alone"
    add = command("explore", commands.explore, about, shared)
    about = "port of the page (default 8866, or the next free one)"
    add("--port", type=int, default=8866, metavar="N", help=about)
    add("--theme", default="light", help="light (default) or dark")
    add("--no-browser", action="store_true", help="print the page's address and open nothing")

    about = "write the course: lecture map, handouts, slides, exercises; solutions apart"
    add = command("course", commands.course, about)
    add("--out", metavar="DIR", dest="folder", help="where (default results/local/course)")
    carried = "also autograders that carry emolib, 18 MB each, for Gradescope"
    add("--gradescope", action="store_true", help=carried)
    about = "grade the notebooks of a folder with what --out holds, and write DIR/scores.csv"
    add("--grade", metavar="DIR", help=about)
    about = "join report, notebooks, course and library to a static site (docs/book.md)"
    command("book", commands.book, about, shared)
    about = "write the generated files anew: environment.yml, tables"
    add = command("docs", commands.docs, about)
    add("--pictures", action="store_true", help="take those of the README too, in a browser")
    return top


def _apply(options) -> None:
    """Check what was asked for and put it where kernels and workers find it, before all else."""
    from emolib.ground import settings
    from emolib.reproduction.runs import profiles

    options.rest = getattr(options, "rest", [])
    if not hasattr(options, "profile"):
        return
    profiles.profile(options.profile)
    if options.data is not None:
        if not Path(options.data).is_dir():
            raise EmolibError(f"--data {options.data}: no such folder")
        os.environ["EMOLIB_DATA"] = str(Path(options.data).resolve())
    for name in ("out", "cache"):
        if getattr(options, name, None) is not None:
            os.environ[f"EMOLIB_{name.upper()}"] = str(Path(getattr(options, name)).absolute())
    for name in ("jobs", "cluster", "device"):
        if getattr(options, name) is not None:
            os.environ[f"EMOLIB_{name.upper()}"] = getattr(options, name)
    settings.jobs(), settings.command()
    if options.device is not None:
        settings.device()
    if options.fresh:
        os.environ["EMOLIB_FRESH"] = "1"
    if options.max_minutes is not None:
        if not options.max_minutes > 0:  # nor nan
            raise EmolibError(f"--max-minutes is {options.max_minutes}: expected a number above 0")
        os.environ["EMOLIB_DEADLINE"] = str(time.time() + 60 * options.max_minutes)


def run() -> None:
    """Console script."""
    from emolib.ground import settings

    os.environ["PYTHONPATH"] = settings.search_path()  # helpers start in folders of their own
    raw = sys.argv[1:]
    if not raw or raw[0] not in PASSED_ON:
        sys.exit(main(raw))
    options = argparse.Namespace(act=getattr(commands, raw[0]), rest=raw[1:])
    try:
        sys.exit(options.act(options))
    except EmolibError as error:
        print(f"emolib: {printable(error)}", file=sys.stderr)
        sys.exit(2)
