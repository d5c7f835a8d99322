#!/usr/bin/env bash
# Makes the four lock files anew from pyproject.toml; needs uv. Maintainers run it after changing a dependency.
#   requirements.lock            everything but torch (the tests' and the explorer's packages among it), with hashes, for Python 3.11 to 3.13
#   requirements-torch.lock      torch and its two siblings, without hashes: another index serves other builds of them
#   requirements-detectors.lock  what face detectors and packaged backbones need beyond the first, with hashes
#   requirements-course.lock     what the course needs beyond the first, with hashes; `./reproduce.sh course` installs it
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
compile() { uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml "$@"; }

# One block per package: its line and the hashes below it. Drop the blocks whose name matches (or not) a pattern.
blocks() { awk -v pattern="$2" -v want="$3" '/^[A-Za-z0-9]/ {keep = ($0 ~ pattern) == want} keep' "$1"; }
torch='^(torch|torchvision|torchaudio|triton|nvidia-[a-z0-9-]*|cuda-[a-z]*)=='

compile --extra reproduce --extra test --extra explore --extra detectors --extra backbones -o "$work/all"
compile --extra reproduce --extra test --extra explore -c "$work/all" -o "$work/core"
{ echo "# Made by tools/lock.sh from pyproject.toml; do not edit."; blocks "$work/core" "$torch" 0; } > requirements.lock
{ echo "# Made by tools/lock.sh from pyproject.toml; do not edit. Without hashes, so that EMOLIB_TORCH_INDEX may serve CPU builds."
  grep -oE '^(torch|torchvision|torchaudio)==[0-9.]+' "$work/core"; } > requirements-torch.lock
names=$(grep -oE '^[A-Za-z0-9_.-]+==' "$work/core" | sed 's/==//' | paste -sd'|')
{ echo "# Made by tools/lock.sh from pyproject.toml; do not edit. To be installed after requirements.lock."
  blocks "$work/all" "^($names|torch)==" 0; } > requirements-detectors.lock
compile --extra reproduce --extra test --extra explore --extra course -c "$work/core" -o "$work/course"
{ echo "# Made by tools/lock.sh from pyproject.toml; do not edit. To be installed after requirements.lock."
  blocks "$work/course" "^($names|torch)==" 0; } > requirements-course.lock
