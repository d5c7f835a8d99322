"""Kernels forked from one process that has imported what nearly every notebook needs: seconds less for each of them, and one copy in memory.

Linux only: Windows cannot fork, and macOS frameworks do not survive it. There every kernel starts by itself, as Jupyter does it. The forking is
`multiprocessing`'s fork server: a clean process without threads, sockets or results of ours, ended by the system when the command ends.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from importlib.metadata import EntryPoint

from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

NAME = "emolib-forked"


@contextlib.contextmanager
def forked() -> Iterator[None]:
    """Kernels that this process starts inside are forked; one that is left over, because what is inside was interrupted, ends with it."""
    if sys.platform != "linux":
        yield
        return
    from multiprocessing import forkserver

    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")     # matplotlib reads it when it is imported
    multiprocessing.set_forkserver_preload(["emolib.preloaded"])
    forkserver.ensure_running()                          # it imports while the first notebook is read
    factory = KernelProvisionerFactory.instance()
    before = factory.default_provisioner_name
    factory.provisioners[NAME] = EntryPoint(NAME, f"{__name__}:Forked", factory.GROUP_NAME)
    factory.default_provisioner_name = NAME
    Forked.first = True
    try:
        yield
    finally:
        factory.default_provisioner_name = before
        for kernel in multiprocessing.active_children():
            if kernel.name == NAME:
                kernel.kill()


class Forked(LocalProvisioner):
    """A local kernel that is forked instead of started. Started are the first one, which need not wait for the imports then, and any
    that is not Python's own."""

    first = True

    async def launch_kernel(self, cmd: list[str], **options):
        first, Forked.first = Forked.first, False
        if first or "ipykernel_launcher" not in cmd or "-f" not in cmd:
            return await super().launch_kernel(cmd, **options)
        forked = multiprocessing.get_context("forkserver").Process(
            target=_be_a_kernel, args=(cmd[cmd.index("-f") + 1], options.get("cwd"), dict(options.get("env") or os.environ)), name=NAME)
        forked.start()
        self.process = Popen(forked)
        self.pid = self.pgid = forked.pid                # it leads a group of its own, so that whoever it starts ends with it
        return self.connection_info

    async def send_signal(self, signum: int) -> None:
        """An interruption is for the kernel alone, which tells whoever it started; all other signals are for its whole group."""
        if signum == signal.SIGINT and isinstance(self.process, Popen):
            self.process.send_signal(signum)
        else:
            await super().send_signal(signum)


class Popen:
    """A forked process with the face of a `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, forked: multiprocessing.Process):
        self.forked, self.pid = forked, forked.pid

    def poll(self) -> int | None:
        """None while it works; its exit status, or a signal's number below 0."""
        return self.forked.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        self.forked.join(timeout)
        return self.forked.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.forked.terminate()

    def kill(self) -> None:
        self.forked.kill()


def _be_a_kernel(connection: str, folder: str | None, environment: dict[str, str]) -> None:
    """What python -m ipykernel_launcher -f `connection` does, in this process."""
    if not multiprocessing.parent_process().is_alive():
        return
    os.setsid()
    threading.Thread(target=_end_with_the_command, daemon=True).start()
    os.chdir(folder or os.getcwd())
    os.environ.clear()
    os.environ.update(environment, JPY_PARENT_PID=str(os.getppid()))
    from ipykernel.ipkernel import IPythonKernel
    from ipykernel.kernelapp import launch_new_instance

    from emolib import report

    class Kernel(IPythonKernel):
        def do_shutdown(self, restart):
            _end_the_pool()
            logging.getLogger("asyncio").setLevel(logging.CRITICAL)      # of what still waits for messages when the loop is gone
            return super().do_shutdown(restart)

        def _process_children(self):                     # whom ipykernel ends; it would wait 14 s for one that ignores it
            return [child for child in super()._process_children() if child.pid != _sweeper()]

    report.begin()
    launch_new_instance(argv=["-f", connection], kernel_class=Kernel)


def _end_the_pool() -> None:
    """joblib's processes wait for more work, and `multiprocessing` for them."""
    loky = sys.modules.get("joblib.externals.loky")
    if loky and loky.reusable_executor._executor is not None:
        loky.reusable_executor._executor.terminate(kill_workers=True)


def _sweeper() -> int | None:
    """The process that removes what joblib's processes leave behind, when the kernel has ended."""
    loky = sys.modules.get("joblib.externals.loky")
    return loky and loky.backend.resource_tracker._resource_tracker._pid


def _end_with_the_command() -> None:
    """However the command ends: whoever this kernel has started goes with it."""
    multiprocessing.parent_process().join()
    os.killpg(os.getpgrp(), signal.SIGKILL)
