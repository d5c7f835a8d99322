"""The command line: `python -m emolib`, installed as `emolib`, wrapped by reproduce.sh."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from pathlib import Path

from emolib import __version__
from emolib.ground.errors import EmolibError
from emolib.reproduction.cli import commands

EXAMPLES = """\
examples:
  ./reproduce.sh                                        every table and figure at the quick profile
  ./reproduce.sh --profile smoke                        the same, tiny: does everything run?
  ./reproduce.sh --only wang-t3                         one artefact (or a paper: wang, or a notebook: 20)
  ./reproduce.sh --data ../my-data                      real sets from a folder of yours
  ./reproduce.sh --jobs 4                               four processes
  ./reproduce.sh --device cuda --profile full           on a GPU, as the papers did it
  ./reproduce.sh --cluster tcp://10.0.0.5:8786          runs spread over a Dask cluster
  ./reproduce.sh --out results/mine                     write somewhere else
  ./reproduce.sh --fresh                                compute anew, whatever is stored
  ./reproduce.sh --max-minutes 30                       stop cleanly after half an hour (exit status 3); resume later
  ./reproduce.sh lab                                    open the notebooks in JupyterLab
  ./reproduce.sh explore                                clusters and confusions by hand, as a page on this machine alone
  ./reproduce.sh list wang                              what there is: artefacts, notebooks, status
  ./reproduce.sh doctor                                 which data sets are here, in what state, how to get the rest
  ./reproduce.sh run wang-t3 --profile full             fill the run store without Jupyter (for a bare machine)
  ./reproduce.sh features --set ravdess --feature landmarks --detector dlib     features of a whole set, kept in the cache
  ./reproduce.sh magnify film.mp4 --mode motion         small motions of a film made large, in film-motion.mp4
  ./reproduce.sh trace film.mp4                         a film as a path of emotion: film-trace.csv, .svg and .html
  ./reproduce.sh predict film.mp4                       the emotion of a face and a voice, second by second
  ./reproduce.sh diff results/quick results/local/quick compare two result folders
  ./reproduce.sh course --out my-course                 exercises for students, with solutions and notes for who teaches
  ./reproduce.sh bench                                  benchmarks beside plain references
  ./reproduce.sh test                                   the tests; `test --all` adds the slow ones
"""


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit status: 0 fine, 1 something broke, 2 bad input, 3 time is up."""
    options = parser().parse_args(arguments)
    try:
        _apply(options)
        status = options.act(options) or 0
        sys.stdout.flush()
        return status
    except EmolibError as error:
        print(f"emolib: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # `emolib list | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        logging.getLogger("asyncio").setLevel(
            logging.CRITICAL
        )  # what was under way ends with an error that nobody waits for
        print(
            "\nemolib: interrupted; what is finished is stored, the same command goes on from here",
            file=sys.stderr,
        )
        return 130


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="emolib",
        description="Five works on emotion recognition, every table and figure regenerated.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"emolib {__version__}")
    base = argparse.ArgumentParser(add_help=False)
    base.add_argument("--profile", default="quick", help="smoke, quick (default) or full")
    base.add_argument(
        "--data", metavar="DIR", help="folder of the real data sets (default $EMOLIB_DATA or data/)"
    )
    base.add_argument("--jobs", metavar="N", help="processes (default: all processors)")
    base.add_argument(
        "--cluster", metavar="ADDR", help="Dask scheduler, tcp://host:port or local:N"
    )
    base.add_argument("--device", help="cpu, cuda or auto (default)")
    base.add_argument("--cache", metavar="DIR", help="run store (default $EMOLIB_CACHE or .cache)")
    base.add_argument("--fresh", action="store_true", help="compute anew, whatever is stored")
    base.add_argument(
        "--max-minutes",
        type=float,
        metavar="M",
        help="start no run after M minutes; resume with the same command",
    )
    shared = argparse.ArgumentParser(add_help=False, parents=[base])
    shared.add_argument(
        "--out", metavar="DIR", help="result folder (default results/local/<profile>)"
    )
    subparsers = top.add_subparsers(title="commands", metavar="", required=True)

    def command(name, act, help, **more):
        made = subparsers.add_parser(name, help=help, **more)
        made.set_defaults(act=act)
        return made

    one = command(
        "reproduce",
        commands.reproduce,
        "regenerate tables and figures (what reproduce.sh does by itself)",
        parents=[shared],
    )
    one.add_argument(
        "--only",
        metavar="NAME",
        action="append",
        default=[],
        help="a paper, notebook or artefact; may be repeated",
    )
    one.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="another value for a notebook parameter (with --only)",
    )
    one = command("run", commands.run, "fill the run store without Jupyter", parents=[shared])
    one.add_argument("name", help="a paper, notebook or artefact")
    command(
        "list", commands.list_, "artefacts, notebooks and status", parents=[shared]
    ).add_argument("name", nargs="?", help="a paper, notebook or artefact")
    command("doctor", commands.doctor, "which data sets are here", parents=[shared])
    one = command(
        "features",
        commands.features,
        "extract features of a whole set into the cache",
        parents=[shared],
    )
    one.add_argument(
        "--set",
        required=True,
        metavar="NAME",
        help="a data set, real where it is at hand and simulated where not",
    )
    one.add_argument("--source", default="auto", help="auto (default), real or simulated")
    one.add_argument(
        "--feature",
        metavar="NAME",
        action="append",
        help="landmarks (default), pose, mesh, mel, backbone or texture; may be repeated",
    )
    one.add_argument(
        "--detector",
        default="dlib",
        metavar="NAME",
        help="dlib (default), mediapipe or simulator (the truth of simulated films)",
    )
    one.add_argument(
        "--backbone",
        default="resnet50-ferplus",
        metavar="NAME",
        help="resnet50-ferplus (default), resnet50-imagenet, efficientnet_lite0 or resnet18-random",
    )
    one = command(
        "magnify",
        commands.magnify,
        "make small changes of colour, or small motions, of a film large (Eulerian magnification)",
    )
    one.add_argument("video", metavar="VIDEO")
    one.add_argument(
        "--out",
        metavar="FILE",
        dest="film",
        help="film to write (default VIDEO-color.mp4 or VIDEO-motion.mp4 beside it)",
    )
    one.add_argument("--mode", default="color", help="color (default) or motion")
    one.add_argument(
        "--low", type=float, default=0.8, metavar="HZ", help="low edge of the band (default 0.8)"
    )
    one.add_argument(
        "--high",
        type=float,
        metavar="HZ",
        help="high edge of the band (default 3 for color, 5 for motion)",
    )
    one.add_argument(
        "--alpha",
        type=float,
        default=5.0,
        help="factor (default 5): the band grows 1 + alpha times",
    )
    one.add_argument(
        "--filter",
        default="ideal",
        help="ideal (default; reads the film twice), butterworth or iir (at constant memory)",
    )
    one.add_argument(
        "--gain",
        default="1+alpha",
        help="1+alpha (default) or 1+alpha/2, what some programs mean by alpha",
    )
    one.add_argument(
        "--wavelength",
        type=float,
        default=8.0,
        metavar="PIXELS",
        help="motion: shorter waves are magnified less (default 8)",
    )
    one.add_argument(
        "--chroma",
        type=float,
        default=1.0,
        metavar="SHARE",
        help="share of the factor for colour beside brightness, 0 to 1 (default 1)",
    )
    one.add_argument(
        "--fps",
        type=float,
        help="true frames a second where the file's are not (default: the file's)",
    )
    one.add_argument("--device", dest="on", default="cpu", help="cpu (default) or cuda")
    one = command(
        "trace",
        commands.trace,
        "a film, or a webcam, as a path in the plane of valence and arousal (by the network of notebook 30, trained at the first use)",
        parents=[base],
    )
    one.add_argument(
        "video",
        metavar="VIDEO",
        help="a film, or webcam (webcam:1 for the second camera; Ctrl-C ends it)",
    )
    one.add_argument(
        "--out",
        metavar="DIR",
        dest="folder",
        help="where VIDEO-trace.csv, .svg and .html go (default: beside the film)",
    )
    one.add_argument("--seconds", type=float, metavar="S", help="only the first S seconds")
    one = command(
        "predict",
        commands.predict,
        "name the emotion of a film or a recording, second by second",
        parents=[shared],
    )
    one.add_argument(
        "file", metavar="FILE", help="a film (mp4, avi, mkv ...) or a recording (wav, flac)"
    )
    one.add_argument(
        "--plot",
        metavar="FILE",
        help="picture to write (default FILE-emotions.png beside it); a table goes beside that as .csv",
    )
    one.add_argument(
        "--use", default="both", help="both (default), face or sound: what may be looked at"
    )
    one = command("diff", commands.diff, "compare two result folders")
    one.add_argument("a", metavar="A")
    one.add_argument("b", metavar="B")
    command("test", commands.test, "run the tests", add_help=False)
    command(
        "bench",
        commands.bench,
        "run the benchmarks (some: tests/bench_mel.py; --keep: as the committed results/bench.csv)",
        add_help=False,
    )
    command("lab", commands.lab, "open the notebooks in JupyterLab")
    one = command(
        "explore",
        commands.explore,
        "open the explorer: a page on this machine alone",
        parents=[shared],
    )
    one.add_argument(
        "--port",
        type=int,
        default=8866,
        metavar="N",
        help="port of the page (default 8866, or the next free one)",
    )
    one.add_argument("--theme", default="light", help="light (default) or dark")
    one.add_argument(
        "--no-browser", action="store_true", help="print the page's address and open nothing"
    )
    one = command(
        "course",
        commands.course,
        "write the six exercises: student, autograded and instructor versions",
    )
    one.add_argument(
        "--out", metavar="DIR", dest="folder", help="where they go (default results/local/course)"
    )
    command(
        "docs",
        commands.docs,
        "write the generated files anew: environment.yml, the tables of the READMEs",
    )
    for made in subparsers.choices.values():
        made.allow_abbrev = False
    return top


def _apply(options) -> None:
    """Check what was asked for and put it where kernels and workers find it, before anything starts."""
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
    """Console script: unknown options of test, bench and lab go on to the program behind them."""
    from emolib.ground import settings

    os.environ["PYTHONPATH"] = (
        settings.search_path()
    )  # kernels and helpers start in folders of their own
    raw = sys.argv[1:]
    if raw and raw[0] in ("test", "bench", "lab"):
        options = argparse.Namespace(
            act={"test": commands.test, "bench": commands.bench, "lab": commands.lab}[raw[0]],
            rest=raw[1:],
        )
        try:
            sys.exit(options.act(options))
        except EmolibError as error:
            print(f"emolib: {error}", file=sys.stderr)
            sys.exit(2)
    sys.exit(main(raw))
