"""The explorer as a page of its own: `./reproduce.sh explore`.

Served to this machine only, and only to who has the token.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path

from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.reproduction.explore.bundles import stored
from emolib.reproduction.report import files as results

INTRODUCTION = """# Explore

Each point is a sample; points that a model finds alike lie together. **Drag a lasso** (or hold \
Shift and drag): both matrices and the groups then count the selection. **Click a cell** of a \
matrix, or a group: those samples light up in both plots. **Hover** a point to see what it is; \
**click** it to keep it, then play its sound. Everything but the lasso works with Tab and Enter; \
*next* walks through the selection. Distances between far groups and the sizes of groups mean \
little in t-SNE and UMAP: move the perplexity and see what stays."""
# The server's templates ask the internet for icons and for a loader that this page does not need:
# the browser may fetch from here only.
HERE_ONLY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "connect-src 'self' ws: data: blob:"
)


def notebook(profile: str) -> Path:
    """Write the page's notebook, and the server's settings, into the cache; returns its path."""
    from nbformat import v4, writes

    code = f"from emolib.reproduction import explore\n\nexplore.open(profile={profile!r})"
    cells = [v4.new_markdown_cell(INTRODUCTION, id="text"), v4.new_code_cell(code, id="views")]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    made = v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    path = settings.cache() / "explore" / "page" / "explore.ipynb"
    results.write(path, writes(made))
    headers = {"Content-Security-Policy": HERE_ONLY}
    server = {"Voila": {"tornado_settings": {"headers": headers}}}
    results.write(path.with_name("voila.json"), json.dumps(server))
    return path


def command(path: Path, *, port: int, theme: str, browser: bool) -> list[str]:
    """The server's command line: this machine's loopback address, a fresh token.

    Its kernels talk through files and not over TCP.
    """
    quiet = "ignore::DeprecationWarning"  # of the server's own packages
    line = [
        sys.executable,
        "-W",
        quiet,
        "-m",
        "voila",
        str(path),
        "--token",
        "--Voila.ip=127.0.0.1",
    ]
    line += [f"--port={port}", f"--theme={theme}", f"--Voila.config_file_paths={path.parent}"]
    line += ["--KernelManager.transport=ipc"]
    return line if browser else [*line, "--no-browser"]


def serve(profile: str, *, port: int = 8866, theme: str = "light", browser: bool = True) -> None:
    """Serve the explorer until it is interrupted. Its address, token included, is printed.

    The server takes this process's place: whatever ends the command ends the server, and none is
    left behind. Does not return.
    """
    modules = {"voila": "voila", "jscatter": "jupyter-scatter"}
    missing = " and ".join(package for name, package in modules.items() if not find_spec(name))
    if missing:
        raise EmolibError(f"the explorer needs {missing}: pip install 'emolib[explore]'")
    if not stored(profile):
        raise EmolibError(
            f"there is nothing of profile '{profile}' to explore yet; "
            f"`./reproduce.sh --only 90 --profile {profile}` makes some bundles"
        )
    line = command(notebook(profile), port=port, theme=theme, browser=browser)
    sys.stdout.flush()
    os.execv(line[0], line)
