"""Workers on a SLURM cluster: `python tools/slurm.py 10` asks for ten, prints the
scheduler's address and stays until Ctrl-C.

Start it on the login node, in the checkout that all nodes see, after `pip install dask-jobqueue`.
In a second terminal: `./reproduce.sh --profile full --cluster ADDRESS`. A worker that the queue
kills costs its one run; Dask begins it anew elsewhere.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent


def options() -> argparse.Namespace:
    ask = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    ask.add_argument("workers", type=int, help="jobs to queue; each is one worker with one GPU")
    ask.add_argument("--queue", help="partition (sbatch -p)")
    ask.add_argument("--account", help="who pays (sbatch -A)")
    ask.add_argument("--hours", type=int, default=4, help="wall time of a job (default 4)")
    ask.add_argument("--memory", default="16GB", help="main memory of a job (default 16GB)")
    ask.add_argument(
        "--cores",
        type=int,
        default=2,
        help="cores of a job: one computes, the rest feed it (default 2)",
    )
    ask.add_argument(
        "--gpus", type=int, default=1, choices=(0, 1), help="GPUs of a job; 0 for processors alone"
    )
    ask.add_argument("--show", action="store_true", help="print the job script and end")
    return ask.parse_args()


def cluster(asked: argparse.Namespace):
    """The cluster, empty yet. One worker is one process with one thread: a run owns its GPU."""
    from dask_jobqueue import SLURMCluster

    passed_on = [
        f"export {name}='{os.environ[name]}'"
        for name in ("EMOLIB_DATA", "EMOLIB_CACHE")
        if name in os.environ
    ]
    return SLURMCluster(
        cores=1,
        processes=1,
        memory=asked.memory,
        job_cpu=asked.cores,
        queue=asked.queue,
        account=asked.account,
        walltime=f"{asked.hours:02d}:00:00",
        python=sys.executable,
        scheduler_options={"dashboard_address": None},
        job_extra_directives=["--gres=gpu:1"] if asked.gpus else [],
        job_script_prologue=[f"cd '{HERE}'", *passed_on],
    )


if __name__ == "__main__":
    asked = options()
    with cluster(asked) as queued:
        if asked.show:
            print(queued.job_script())
        else:
            queued.scale(jobs=asked.workers)
            print(f"./reproduce.sh --profile full --cluster {queued.scheduler_address}", flush=True)
            try:
                signal.pause()
            except KeyboardInterrupt:
                print("the workers are told to stop; what they finished is stored")
