#!/bin/sh
# Make the virtual environment and install Spikefront with the tested versions; torch first, so that pip takes
# the CPU build where it is offered instead of resolving a larger one later.
set -eu

fail() {
    echo "setup: $1" >&2
    exit 1
}

command -v "$PYTHON" >/dev/null 2>&1 ||
    fail "there is no '$PYTHON': install Python 3.11 or newer, or name one with 'make demo PYTHON=/path/to/python3'"
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$PYTHON" --version) is too old: install Python 3.11 or newer, or name one with PYTHON=/path/to/python3"
"$PYTHON" -c 'import venv, ensurepip' 2>/dev/null ||
    fail "$PYTHON cannot make virtual environments: install its venv module (Debian: apt-get install python3-venv)"
free_mb=$(df -Pm . | awk 'NR == 2 { print $4 }')
[ "$free_mb" -ge 3000 ] || [ -x "$VENV/bin/spikefront" ] ||
    fail "only $free_mb MB are free here: installing needs 3000 MB, make room and run it again"

echo "setup: installing Spikefront and its libraries into $VENV (a few minutes the first time)"
[ -x "$VENV/bin/python" ] || "$PYTHON" -m venv "$VENV" || fail "could not make $VENV: see the message above"

install() {
    "$VENV/bin/python" -m pip install --quiet --constraint constraints.txt "$@" ||
        fail "pip could not install ($*): see its message above; check the network and the disk, then run it again"
}

torch=$(grep '^torch==' constraints.txt)
if [ -n "${TORCH_INDEX:-}" ]; then
    install --index-url "$TORCH_INDEX" "$torch"
elif ! "$VENV/bin/python" -c 'import torch' 2>/dev/null; then
    install "$torch"
fi
install --editable '.[dev]'
echo "setup: done"
