"""A real browser for tests and for the README's pictures: headless Chromium driven by Playwright, and the servers it looks at."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
FLAGS = (
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--autoplay-policy=no-user-gesture-required",
)
SLOW = 120_000  # milliseconds until a server on a busy machine has answered


def missing() -> str:
    """What a browser test lacks on this machine, in words; '' if nothing."""
    from importlib.util import find_spec

    lacking = [
        name
        for name, module in (
            ("playwright", "playwright"),
            ("voila", "voila"),
            ("jupyter-scatter", "jscatter"),
            ("jupyterlab", "jupyterlab"),
        )
        if not find_spec(module)
    ]
    return ", ".join([*lacking, *([] if chromium() else ["chromium (Debian's package)"])])


def chromium() -> str | None:
    return (
        os.environ.get("EMOLIB_CHROMIUM")
        or shutil.which("chromium")
        or shutil.which("chromium-browser")
    )


@contextlib.contextmanager
def browser():
    """A Chromium without a window, with a software GPU."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield opened
        opened.close()


@contextlib.contextmanager
def server(
    command: list[str],
    place: Path,
    environment: dict,
    pattern: str = r"http://127\.0\.0\.1:\d+/\S*token=\w+",
):
    """Start a server, yield the address it prints, and end it; its log is place/server.log."""
    log = place / "server.log"
    with log.open("w") as out:
        started = subprocess.Popen(
            command,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=os.environ | environment,
            cwd=place,
            start_new_session=True,
        )
        try:
            yield _address(started, log, pattern)
        finally:
            for stop in (started.terminate, started.kill):
                stop()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    started.wait(20)
                    break
            else:
                raise AssertionError(f"the server would not end: {log.read_text()[-500:]}")


def _address(started, log: Path, pattern: str) -> str:
    for _ in range(240):
        found = re.search(pattern, log.read_text())
        if found:
            return found[0]
        assert started.poll() is None, f"the server ended: {log.read_text()[-2000:]}"
        time.sleep(0.5)
    raise AssertionError(f"no address after two minutes: {log.read_text()[-2000:]}")


def places(home: Path) -> dict[str, str]:
    """Environment of a server: simulated data, a cache and results of its own."""
    return {
        "EMOLIB_DATA": str(home / "none"),
        "EMOLIB_CACHE": str(home / "cache"),
        "EMOLIB_OUT": str(home / "out"),
        "EMOLIB_DEVICE": "cpu",
        "PYTHONPATH": str(ROOT),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "lab"),
        "OMP_NUM_THREADS": "1",
    }


def page_command(profile: str, port: int, *more: str) -> list[str]:
    return [
        sys.executable,
        "-P",
        "-m",
        "emolib",
        "explore",
        "--profile",
        profile,
        "--port",
        str(port),
        "--no-browser",
        *more,
    ]


def lab_command(folder: Path, port: int) -> list[str]:
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        f"--port={port}",
        "--notebook-dir",
        str(folder),
        "--KernelManager.transport=ipc",
        "--LabApp.news_url=",
        "--LabApp.extension_manager=readonly",
    ]


def run_first_cell(page) -> None:
    """Press Ctrl-Enter in the first cell of a notebook in JupyterLab until it runs: on a busy machine the page is drawn before it listens."""
    from playwright.sync_api import TimeoutError

    page.get_by_text("Python 3", exact=False).first.wait_for(timeout=SLOW)
    for patience in (15_000, 15_000, SLOW):
        page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click(timeout=SLOW)
        page.keyboard.press("Control+Enter")
        with contextlib.suppress(TimeoutError):
            page.locator(".jp-InputPrompt", has_text=re.compile(r"\[[*\d]+\]")).first.wait_for(
                timeout=patience
            )
            return
    raise AssertionError("the cell does not run")


def lasso(page, plot: int = 0, share: float = 0.9) -> None:
    """Drag a closed lasso around a share of the plot, slowly enough for it to be drawn."""
    box = plots(page)[plot].bounding_box()
    x, y, w, h = (
        box["x"] + box["width"] / 2,
        box["y"] + box["height"] / 2,
        share * box["width"] / 2,
        share * box["height"] / 2,
    )
    corners = [(x - w, y - h), (x + w, y - h), (x + w, y + h), (x - w, y + h), (x - w, y - h)]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for (a, b), (c, d) in zip(corners, corners[1:]):
        for k in range(1, 9):
            page.mouse.move(a + (c - a) * k / 8, b + (d - b) * k / 8)
            page.wait_for_timeout(40)
    page.mouse.up()


def plots(page) -> list:
    """The canvas of each plot: the large ones, one for each place on the page."""
    every, seen, kept = page.locator(".emolib-explorer canvas"), set(), []
    for k in range(every.count()):
        box = every.nth(k).bounding_box()
        if box and min(box["width"], box["height"]) > 200 and round(box["x"]) not in seen:
            seen.add(round(box["x"]))
            kept.append(every.nth(k))
    return kept


def coloured(page, plot: int = 0) -> tuple[int, float]:
    """How many pixels of a plot have a colour, and the share of its width that they span."""
    from io import BytesIO

    import numpy as np
    from PIL import Image

    shot = page.screenshot(clip=plots(page)[plot].bounding_box())
    pixels = np.asarray(Image.open(BytesIO(shot)).convert("RGB")).astype(int)  # (H, W, 3)
    seen = np.ptp(pixels, axis=2) > 60
    across = np.flatnonzero(seen.any(0))
    return int(seen.sum()), float(np.ptp(across) / seen.shape[1]) if len(across) else 0.0
