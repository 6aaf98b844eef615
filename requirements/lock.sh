#!/usr/bin/env bash
# Write the locks anew from pyproject.toml: hash-pinned, for every platform, without download addresses.
set -euo pipefail
cd "$(dirname "$0")/.."

export UV_CUSTOM_COMPILE_COMMAND="make lock"
compile() {
  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-annotate "$@"
}

# One resolution rules them all: what the server runs with, the tests and the light install run with too.
compile pyproject.toml --extra server --output-file requirements/server.lock
compile pyproject.toml --constraint requirements/server.lock --output-file requirements/base.lock
compile pyproject.toml --extra ner --constraint requirements/server.lock --output-file requirements/ner.lock
compile pyproject.toml --extra notify --constraint requirements/server.lock --output-file requirements/notify.lock
compile --group dev --constraint requirements/server.lock --constraint requirements/ner.lock \
  --constraint requirements/notify.lock --output-file requirements/dev.lock
compile --group research --no-deps --output-file requirements/research.lock
compile requirements/bootstrap.in --constraint requirements/server.lock --constraint requirements/dev.lock \
  --output-file requirements/bootstrap.lock
