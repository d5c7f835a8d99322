"""The kernel that notebooks run in: Jupyter's own, which ends at once although joblib's processes wait for more: python -m emolib.reproduction.cli.kernel -f FILE"""

from __future__ import annotations

import logging
import sys

from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import launch_new_instance


class Kernel(IPythonKernel):
    """ipykernel asks every process that a notebook has started to end, up to 14 s long. Those that sweep up after joblib's processes do
    not listen: they end when the kernel has."""

    def do_shutdown(self, restart):
        loky = sys.modules.get("joblib.externals.loky")
        if loky and loky.reusable_executor._executor is not None:
            loky.reusable_executor._executor.terminate(kill_workers=True)
        for log in (
            logging.getLogger("asyncio"),
            self.log,
        ):  # whoever asked is gone; so are the loops and sockets of what is left
            log.setLevel(logging.CRITICAL)
        return super().do_shutdown(restart)

    def _process_children(self):
        trackers = [
            sys.modules.get(f"{place}.resource_tracker")
            for place in ("multiprocessing", "joblib.externals.loky.backend")
        ]
        sweepers = {tracker._resource_tracker._pid for tracker in trackers if tracker}
        return [child for child in super()._process_children() if child.pid not in sweepers]


def serve(file: str) -> None:
    """Be the kernel of a connection file until it is asked to end."""
    launch_new_instance(argv=["-f", file], kernel_class=Kernel)


if __name__ == "__main__":
    serve(sys.argv[sys.argv.index("-f") + 1])
