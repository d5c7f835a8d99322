"""Takes the README's pictures in a real browser: report and explorer. Simulated data only.

    ./reproduce.sh docs --pictures                                       those that are out of date
    python tools/screenshots.py [--profile quick] [--only explorer]

Needs Playwright and Debian's chromium (see the extra `browser`). Everything runs in a
temporary folder with no real data in sight, so no picture of a person can get into a committed
file. Writes docs/report.png and docs/explorer.png.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import browser_help as help_  # noqa: E402
from PIL import Image  # noqa: E402

FIGURE = "world-x21"
WIDE = 1240  # pixels of a picture
COLOURS = 128  # of its palette: small files


def main() -> int:
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--profile", default="quick")
    given.add_argument("--only", default="", help="report or explorer")
    given.add_argument("--home", help="a folder to work in and keep (default: a temporary one)")
    options = given.parse_args()
    if help_.missing():
        print(f"screenshots: this machine has no {help_.missing()}", file=sys.stderr)
        return 2
    home = Path(options.home or tempfile.mkdtemp(prefix="emolib-screenshots-"))
    home.mkdir(parents=True, exist_ok=True)
    try:
        take(home, options.profile, options.only)
    finally:
        if not options.home:
            shutil.rmtree(home)
    return 0


def take(home: Path, profile: str, only: str) -> None:
    """Look at the report; at the explorer after notebook 90 has run on simulated data in `home`."""
    env = os.environ | help_.places(home)
    if only != "report" and not (home / "out" / "figures" / f"{FIGURE}.png").exists():
        subprocess.run(
            [
                sys.executable,
                "-P",
                "-m",
                "emolib",
                "reproduce",
                "--profile",
                profile,
                "--only",
                "90",
            ],
            env=env,
            check=True,
        )
    with help_.browser() as chromium:
        for name, picture in (("report", report), ("explorer", explorer)):
            if only in ("", name):
                save(picture(chromium, home, profile), ROOT / "docs" / f"{name}.png")


def save(raw: bytes, path: Path) -> None:
    """Scaled to the width of the README, with few colours: a small file."""
    image = Image.open(io.BytesIO(raw)).convert("RGB")
    image = (
        image.resize((WIDE, round(image.height * WIDE / image.width)))
        if image.width > WIDE
        else image
    )
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size // 1024} kB")


def report(chromium, home: Path, profile: str) -> bytes:
    """The top of the report of the committed results, which are tables and verdicts only."""
    page = chromium.new_page(viewport={"width": 1240, "height": 860})
    page.goto((ROOT / "results" / profile / "index.html").as_uri())
    page.wait_for_timeout(500)
    return page.screenshot()


def explorer(chromium, home: Path, profile: str) -> bytes:
    """The page after a click on the fullest wrong cell: a face, a spectrogram, two matrices."""
    with help_.server(help_.page_command(profile, 8899), home, help_.places(home)) as url:
        page = chromium.new_page(viewport={"width": 1400, "height": 1130})
        page.goto(url, timeout=help_.SLOW)
        page.locator(".emolib-cell").first.wait_for(timeout=help_.SLOW)
        page.wait_for_timeout(6000)
        page.locator(".emolib-explorer select").nth(3).select_option("actor")
        help_.lasso(page, 0, 0.45)
        page.locator(".emolib-sample img:not([hidden])").first.wait_for(timeout=help_.SLOW)
        page.mouse.move(5, 5)
        page.wait_for_timeout(4000)
        return page.screenshot()


if __name__ == "__main__":
    sys.exit(main())
