"""One plain kernel serves the notebooks of a command in turn; its names are reset in between."""

from __future__ import annotations

import tempfile
from pathlib import Path

from jupyter_client import AsyncKernelManager, BlockingKernelClient
from jupyter_core.utils import run_sync

RESET = """
get_ipython().reset(new_session=True)
from emolib.reproduction import report as _report
_report.begin()
"""
# joblib's idle processes and the one that sweeps up after them would outlive a killed kernel
END = """
import sys as _sys
_loky = _sys.modules.get("joblib.externals.loky")
if _loky and _loky.reusable_executor._executor is not None:
    _loky.reusable_executor._executor.terminate(kill_workers=True)
"""
PATIENCE = 20  # seconds that a kernel has for RESET or END


class _Manager(AsyncKernelManager):
    """Jupyter's own, which remembers who talks to the kernel: nbclient leaves sockets open."""

    def client(self, **options):
        client = super().client(**options)
        self.__dict__.setdefault("talkers", []).append(client)
        return client

    def hang_up(self) -> None:
        for client in self.__dict__.pop("talkers", []):
            client.stop_channels()


class Kernel:
    """A kernel that starts for the first notebook and ends with the `with` block; a dead one is
    replaced.

    Talks through sockets on disk, not over TCP, in a folder that nobody else may enter.
    """

    def __init__(self):
        self._manager: _Manager | None = None
        self._place = tempfile.TemporaryDirectory(prefix="emolib-", ignore_cleanup_errors=True)
        self._started = 0

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *_) -> None:
        self._stop()
        self._place.cleanup()

    def manager(self) -> _Manager:
        """The manager of a kernel without an earlier notebook's names; nbclient starts one."""
        if self._manager is not None:
            self._manager.hang_up()
            if self._alive() and self._tell(RESET):
                return self._manager
        self._stop()
        self._started += 1
        sockets = str(Path(self._place.name) / f"kernel{self._started}")
        self._manager = _Manager(kernel_name="python3", transport="ipc", ip=sockets)
        return self._manager

    def _alive(self) -> bool:
        return self._manager.has_kernel and run_sync(self._manager.is_alive)()

    def _tell(self, code: str) -> bool:
        """Have `code` run in the kernel; False where it does not answer in time or raises."""
        known = self._manager.get_connection_info(session=True)
        client = BlockingKernelClient(parent=self._manager, **known)
        # The shell alone: it keeps a question until the kernel reads it, however busy both are, and
        # a heart that is slow to beat is not a dead kernel.
        client.start_channels(iopub=False, stdin=False, hb=False, control=False)
        try:
            reply = client.execute(code, silent=True, reply=True, timeout=PATIENCE)
            return reply["content"]["status"] == "ok"
        except (TimeoutError, RuntimeError):  # busy or dead
            return False
        finally:
            client.stop_channels()

    def _stop(self) -> None:
        if self._manager is not None:
            self._manager.hang_up()
            if self._manager.has_kernel:
                if self._alive():
                    self._tell(END)
                run_sync(self._manager.shutdown_kernel)(now=True)
        self._manager = None
