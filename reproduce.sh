#!/usr/bin/env bash
# Set everything up (once), then hand over to `python -m emolib`. `./reproduce.sh --help` shows examples.
#
#   EMOLIB_PYTHON=PATH         the Python to use (3.11, 3.12 or 3.13)
#   EMOLIB_TORCH_INDEX=URL     where torch comes from, for instance an index of CPU-only builds
#   EMOLIB_NO_SETUP=1          use the current Python as it is (in a container)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=$root/.venv
log=$venv/setup.log
done_=$venv/emolib-setup                 # written last: what this .venv was set up from
sources=(requirements.lock requirements-torch.lock requirements-detectors.lock pyproject.toml)

version() {    # version PYTHON: prints '3.12'; fails unless emolib runs on it and it can make a .venv
    "$1" -c 'import sys, venv, ensurepip; v = sys.version_info[:2]; (3, 11) <= v < (3, 14) or sys.exit(1); print("%d.%d" % v)' 2>/dev/null
}

find_python() {
    local candidate
    for candidate in "${EMOLIB_PYTHON:-}" python3.13 python3.12 python3.11 python3; do
        if [ -n "$candidate" ] && version "$candidate" >/dev/null; then echo "$candidate"; return; fi
        if [ -n "$candidate" ] && [ "$candidate" = "${EMOLIB_PYTHON:-}" ]; then break; fi      # asked for, so nothing else will do
    done
    echo "reproduce.sh: needs Python 3.11, 3.12 or 3.13 with its venv module (Debian: python3-venv); EMOLIB_PYTHON=PATH names one" >&2
    exit 2
}

wanted() { echo "$root $(version "$1")"; (cd "$root" && cksum "${sources[@]}"); }

ready() {      # is .venv complete, current, and of the Python asked for?
    [ -f "$done_" ] && version "$venv/bin/python" >/dev/null || return 1
    [ "$(wanted "${EMOLIB_PYTHON:-$venv/bin/python}")" = "$(cat "$done_")" ]
}

step() {       # step NAME COMMAND...: one line on the screen, the rest in the log
    local name=$1 start=$SECONDS; shift
    printf '%-36s' "$name" >&2
    if "$@" >>"$log" 2>&1; then echo "$((SECONDS - start)) s" >&2; else echo "failed" >&2; return 1; fi
}

must() {
    step "$@" || { tail -n 20 "$log" >&2; echo "reproduce.sh: set-up stopped; all of it is in $log; the same command tries again" >&2; exit 1; }
}

setup() {
    local python pip=("$venv/bin/python" -m pip install --no-input --no-compile)
    export PIP_DISABLE_PIP_VERSION_CHECK=1
    python=$(find_python)
    # A finished .venv of the same Python and place is brought up to date; anything else, and one whose
    # set-up was interrupted, is made anew: pip takes a half-written package for a whole one.
    if [ ! -f "$done_" ] || [ "$(head -n 1 "$done_")" != "$(wanted "$python" | head -n 1)" ]; then rm -rf "$venv"; fi
    mkdir -p "$venv"; rm -f "$done_" "$venv/emolib-course"; : >"$log"
    echo "setting up $venv (once)" >&2
    [ -x "$venv/bin/python" ] || must "python $(version "$python")" "$python" -m venv "$venv"
    must "packages" "${pip[@]}" --require-hashes --no-deps -r "$root/requirements.lock"
    must "torch" "${pip[@]}" ${EMOLIB_TORCH_INDEX:+--index-url "$EMOLIB_TORCH_INDEX"} -r "$root/requirements-torch.lock"
    step "face detectors" "${pip[@]}" --no-build-isolation --require-hashes --no-deps -r "$root/requirements-detectors.lock" ||
        echo "  going on without face detectors; why is in $log" >&2
    must "emolib" "${pip[@]}" --no-deps --no-build-isolation -e "$root"
    "$venv/bin/python" -P -c 'from emolib.reproduction.cli import commands; print(*commands.detectors(), sep="\n", end="")' >&2 2>>"$log" || true
    wanted "$venv/bin/python" >"$done_.new"; mv "$done_.new" "$done_"
}

course() {     # what `course` needs beyond the rest, once
    local done_=$venv/emolib-course lock=$root/requirements-course.lock
    [ "$(cat "$done_" 2>/dev/null)" = "$(cksum <"$lock")" ] && return
    must "packages of the course" "$venv/bin/python" -m pip install --no-input --no-compile --disable-pip-version-check --require-hashes --no-deps -r "$lock"
    cksum <"$lock" >"$done_.new"; mv "$done_.new" "$done_"
}

case "${1:-}" in
    -h | --help | --version) ;;
    "" | -*) set -- reproduce "$@" ;;         # a plain run, and options without a command
esac
if [ -n "${EMOLIB_NO_SETUP:-}" ]; then
    python=${EMOLIB_PYTHON:-$(command -v python || command -v python3)}
    export PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH}
elif [[ $1 == -* ]]; then                     # help and version need no packages, so no set-up
    python=$(find_python)
    export PYTHONPATH=$root
else
    if ! ready; then
        # One set-up at a time; the second waits, and then finds everything done.
        (if command -v flock >/dev/null; then
             flock -n 9 || { echo "waiting for another set-up of $venv" >&2; flock 9; }
         fi
         ready || setup) 9>"$root/.venv.lock"
    fi
    if [ "$1" = course ]; then course; fi
    python=$venv/bin/python
    # Containers often forbid bytecode: every command would compile 3,000 modules anew, ten seconds of
    # it. Here it may be kept, inside .venv, and nothing is written among the sources.
    if [ -n "${PYTHONDONTWRITEBYTECODE:-}" ]; then
        unset PYTHONDONTWRITEBYTECODE
        export PYTHONPYCACHEPREFIX=$venv/bytecode
    fi
    # The notebooks' kernel is this .venv's, whatever kernels the reader has elsewhere.
    export PATH=$venv/bin:$PATH JUPYTER_PATH=$venv/share/jupyter${JUPYTER_PATH:+:$JUPYTER_PATH}
fi
exec "$python" -P -m emolib "$@"              # -P: a file of the reader's folder must not stand in for a module
