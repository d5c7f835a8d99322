"""Kernels forked from one process that has imported what nearly every notebook needs: seconds less for each of them, and one copy in memory.

Linux only: Windows cannot fork, and macOS frameworks do not survive it. There every kernel starts by itself, as Jupyter does it. The forking is
`multiprocessing`'s fork server: a clean process without threads, sockets or results of ours, ended by the system when the command ends.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from importlib.metadata import EntryPoint

from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

NAME = "emolib-forked"
LINUX = sys.platform == "linux"


@contextlib.contextmanager
def forked() -> Iterator[None]:
    """Kernels that this process starts inside are forked; one that is left over, because what is inside was interrupted, ends with it."""
    Forked.first = True
    if LINUX:
        from multiprocessing import forkserver

        os.environ.setdefault(
            "MPLBACKEND", "module://matplotlib_inline.backend_inline"
        )  # matplotlib reads it when it is imported
        multiprocessing.set_forkserver_preload(["emolib.reproduction.cli.preloaded"])
        forkserver.ensure_running()  # it imports while the first notebook is read
    factory = KernelProvisionerFactory.instance()
    before = factory.default_provisioner_name
    factory.provisioners[NAME] = EntryPoint(NAME, f"{__name__}:Forked", factory.GROUP_NAME)
    factory.default_provisioner_name = NAME
    try:
        yield
    finally:
        factory.default_provisioner_name = before
        for kernel in multiprocessing.active_children():
            if kernel.name == NAME:
                kernel.kill()


class Forked(LocalProvisioner):
    """A local kernel that is forked instead of started. Started are the first one, which need not wait for the imports then, and any
    that is not Python's own; and all of them where processes cannot be forked."""

    first = True

    async def launch_kernel(self, cmd: list[str], **options):
        first, Forked.first = Forked.first, not LINUX
        if "ipykernel_launcher" not in cmd or "-f" not in cmd:
            return await super().launch_kernel(cmd, **options)
        if first:
            return await super().launch_kernel(
                [
                    "emolib.reproduction.cli.kernel" if word == "ipykernel_launcher" else word
                    for word in cmd
                ],
                **options,
            )
        forked = multiprocessing.get_context("forkserver").Process(
            target=_be_a_kernel,
            args=(
                cmd[cmd.index("-f") + 1],
                options.get("cwd"),
                dict(options.get("env") or os.environ),
            ),
            name=NAME,
        )
        forked.start()
        self.process = Popen(forked)
        self.pid = self.pgid = (
            forked.pid
        )  # it leads a group of its own, so that whoever it starts ends with it
        return self.connection_info

    async def send_signal(self, signum: int) -> None:
        """An interruption is for the kernel alone, which tells whoever it started; all other signals are for its whole group."""
        if signum == signal.SIGINT and sys.platform != "win32" and self.process is not None:
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
    from emolib.reproduction import report
    from emolib.reproduction.cli import kernel

    report.begin()
    kernel.serve(connection)


def _end_with_the_command() -> None:
    """However the command ends: whoever this kernel has started goes with it."""
    multiprocessing.parent_process().join()
    os.killpg(os.getpgrp(), signal.SIGKILL)
