# Every task of the house. `make` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

BIN := .venv/bin
LOCKS := $(wildcard requirements/*.lock) requirements/install.sh pyproject.toml hatch_build.py $(wildcard src/glasshatch/*/*.pyx src/glasshatch/*/*.h src/glasshatch/*/*/*.pyx src/glasshatch/*/*/*.h)
PYTEST := $(BIN)/python -m pytest

.PHONY: help setup demo demo-reset test check servers bench docs deep lock clean format

help: ## list the tasks
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

setup: .venv/installed-dev ## install everything into .venv from the hash-pinned locks

.venv/installed-server: $(LOCKS)
	@bash requirements/install.sh server
	@touch $@

.venv/installed-dev: $(LOCKS)
	@bash requirements/install.sh dev
	@touch $@ .venv/installed-server

demo: .venv/installed-server ## a shop database behind the hatch, a scripted day, and what to try
	@$(BIN)/glasshatch demo

demo-reset: .venv/installed-server ## forget the demo's data
	@$(BIN)/glasshatch demo --reset

test: setup ## the whole suite, as CI runs it
	@bash requirements/install-system.sh
	@$(MAKE) --no-print-directory check
	@$(BIN)/python tests/parts.py

check: setup ## format, lint, types, direction of imports
	@$(BIN)/ruff format --check --quiet src tests benchmarks docs || { echo "run: make format" >&2; exit 1; }
	@$(BIN)/ruff check --quiet src tests benchmarks docs
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache --no-logo

format: setup ## format the code and mend what the linter can
	@$(BIN)/ruff format src tests benchmarks docs
	@$(BIN)/ruff check --fix src tests benchmarks docs

servers: setup ## only the tests against real servers
	@bash requirements/install-system.sh
	@$(PYTEST) tests/servers

deep: setup ## properties, fuzzing and faults, with many more examples and kills; an application in Java
	@bash requirements/install-system.sh deep
	@GLASSHATCH_DEEP=1 $(PYTEST) --hypothesis-profile=deep --timeout=3600 -m "properties or fuzz or faults or canary or deep"

bench: setup ## every benchmark; each prints one JSON object on its last line
	@bash requirements/install-system.sh bench
	@bash requirements/install.sh bench
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python "$$script"; done

docs: setup ## write the generated pages of docs/reference anew
	@$(BIN)/python docs/generate.py

lock: setup ## resolve the dependencies anew
	@bash requirements/lock.sh

clean: ## remove caches and builds; keeps .venv and the demo's data
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find src tests benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +
