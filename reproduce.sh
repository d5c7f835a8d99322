#!/usr/bin/env bash
# Sets everything up once (Python 3.11 to 3.13 is all it needs), then hands over to `python -m emolib`.
#   ./reproduce.sh           every table and figure at the quick profile
#   ./reproduce.sh test      the tests
#   ./reproduce.sh --help    everything else, with an example each
# EMOLIB_PYTHON       the Python to build .venv with
# EMOLIB_TORCH_INDEX  address of another index for torch (CPU builds)
# EMOLIB_NO_SETUP=1   use the current python as it is (containers)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

find_python() {
  local candidate
  for candidate in ${EMOLIB_PYTHON:-} python3.13 python3.12 python3.11 python3 python; do
    "$candidate" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && { echo "$candidate"; return; }
  done
  echo "reproduce.sh: needs Python 3.11, 3.12 or 3.13 with venv; set EMOLIB_PYTHON to one" >&2
  exit 2
}

step() {  # step NAME COMMAND...: one line per step; the log tells the rest, and is shown when the step fails
  local name=$1 start=$SECONDS; shift
  printf '%s ... ' "$name" >&2
  if "$@" >>"$root/.venv/setup.log" 2>&1; then echo "$((SECONDS - start)) s" >&2; else echo "failed" >&2; return 1; fi
}

setup() {
  local python pip
  python=$(find_python)
  mkdir -p "$root/.venv"
  if command -v flock >/dev/null; then exec 9>"$root/.venv/.lock"; flock 9; fi     # two at once: the second waits
  [ "$(cat "$root/.venv/.stamp" 2>/dev/null)" = "$(stamp)" ] && return
  : >"$root/.venv/setup.log"
  pip=("$root/.venv/bin/python" -m pip --disable-pip-version-check install --no-input)
  trap 'tail -n 25 "$root/.venv/setup.log" >&2; echo "reproduce.sh: set-up failed; see .venv/setup.log, then run the same command again" >&2' ERR
  [ -x "$root/.venv/bin/pip" ] || step "python environment ($python)" "$python" -m venv "$root/.venv"
  step "packages" "${pip[@]}" --require-hashes --no-deps -r "$root/requirements.lock"
  step "torch" "${pip[@]}" ${EMOLIB_TORCH_INDEX:+--index-url "$EMOLIB_TORCH_INDEX"} -r "$root/requirements-torch.lock"
  step "face detectors" "${pip[@]}" --require-hashes --no-deps -r "$root/requirements-detectors.lock" ||
    echo "reproduce.sh: going on without face detectors (see .venv/setup.log)" >&2
  step "emolib" "${pip[@]}" --no-deps --no-build-isolation -e "$root"
  step "notebook kernel" "$root/.venv/bin/python" -m ipykernel install --sys-prefix --name python3
  "$root/.venv/bin/python" -c 'from emolib.cli import detectors; print(*detectors(), sep="\n", end="")' >&2 || true
  stamp >"$root/.venv/.stamp"
  trap - ERR
  exec 9>&-
}

stamp() { cat "$root"/requirements*.lock "$root/pyproject.toml" | cksum; }

if [ "${EMOLIB_NO_SETUP:-}" = 1 ]; then
  python=${EMOLIB_PYTHON:-python3}
  export PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH}
else
  [ "$(cat "$root/.venv/.stamp" 2>/dev/null)" = "$(stamp)" ] || setup
  python=$root/.venv/bin/python
fi
case "${1:-}" in
  ""|-[!h]*) [[ "${1:-}" == --help || "${1:-}" == --version ]] || set -- reproduce "$@" ;;
esac
exec "$python" -m emolib "$@"
