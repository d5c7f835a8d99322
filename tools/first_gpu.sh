#!/usr/bin/env bash
# Eight minutes with a GPU that nothing has run on yet: what works, how fast, how near to the CPU.
#
#   tools/first_gpu.sh [FOLDER]            verdicts on the screen, FOLDER/first_gpu.json (default results/local/first_gpu)
#   FIRST_GPU_PATIENCE=5 tools/first_gpu.sh every limit five times as long, on a busy machine
#   FIRST_GPU_PRETEND=1 tools/first_gpu.sh the same without a GPU, on tensors that say 'cuda:0' (tests/pretend_gpu.py)
#
# Needs torch, torchvision, timm, numpy, pandas and scikit-learn; a study that draws faces also numba.
# Exit status 0: every step came to its end; 1: one did not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec "${EMOLIB_PYTHON:-python3}" -P tools/first_gpu.py "${1:-results/local/first_gpu}"
