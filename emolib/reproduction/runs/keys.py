"""The name of a run: its function, its arguments and the emolib sources that it stands on."""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import importlib
import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from emolib.ground.errors import EmolibError

# Sources that do not count: what these hand out stands in the arguments with a fingerprint of its
# content, and messages and places change no number. Otherwise an edit of one simulator would
# compute every study again.
PINNED = (
    "emolib",
    "emolib.reproduction",
    "emolib.data",
    "emolib.ground.settings",
    "emolib.ground.errors",
    "emolib.ground.bars",
    "emolib.ground.compiled",
    "emolib.reproduction.runs.keys",
    "emolib.reproduction.runs.store",
)


def key(fn: Callable, arguments: dict) -> str:
    """32 hex digits that name one run: function, arguments and the function's sources."""
    try:
        plain = json.dumps(arguments, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise EmolibError(
            f"run {fn.__qualname__}: arguments must be plain JSON values ({error})"
        ) from None
    text = "\n".join([f"{fn.__module__}.{fn.__qualname__}", plain, sources_hash(fn.__module__)])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@functools.cache
def sources_hash(module: str) -> str:
    """SHA-256 over `module` and every emolib module it imports, directly or not, but PINNED."""
    seen, todo = {}, [module]
    while todo:
        name = todo.pop()
        if name in seen or name in PINNED:
            continue
        origin = importlib.util.find_spec(name).origin
        # a folder without __init__.py has no source
        seen[name] = Path(origin).read_bytes() if origin else b""
        todo += [m for m in _imported(seen[name], name) if m.split(".")[0] == "emolib"]
    digest = hashlib.sha256()
    for name in sorted(seen):
        digest.update(f"{name}\0{len(seen[name])}\0".encode() + seen[name])
    return digest.hexdigest()


def _imported(source: bytes, module: str) -> Iterator[str]:
    """Modules named in the import statements of `source`, those inside functions included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:  # relative: counted from the package of `module`
                package = module.rpartition(".")[0]
                base = importlib.util.resolve_name("." * node.level + base, package)
            yield base
            if not base.startswith("emolib"):
                continue
            for alias in node.names:  # `from emolib import metrics` names a module too
                name = f"{base}.{alias.name}"
                with contextlib.suppress(ModuleNotFoundError, ValueError):
                    if importlib.util.find_spec(name):
                        yield name
