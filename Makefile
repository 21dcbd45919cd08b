# Two commands for a fresh machine: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
COMPILED := $(VENV)/.compiled
SOURCES := $(shell find src -name '*.py')

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types layers bench format lock default-snapshot clean qemu

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: $(COMPILED)  ## ask the QEMU of this machine (or the recorded one) what it can do
	@$(BIN)/python tools/demo.py

test: $(COMPILED) qemu  ## run the tests, against a real QEMU where there is one
	@$(BIN)/pytest

check: $(STAMP) lint types layers test  ## everything CI runs: lint, types, layers, tests

lint: $(STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(STAMP)
	@$(BIN)/mypy

layers: $(STAMP)
	@$(BIN)/lint-imports

bench: $(COMPILED) qemu  ## measure what ARCHITECTURE.md promises about speed, as ratios
	@$(BIN)/python tools/bench.py

format: $(STAMP)  ## format the code and mend what ruff can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock:  ## renew requirements.lock (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	    --upgrade --group dev pyproject.toml -o requirements.lock

default-snapshot: $(STAMP)  ## record anew the snapshot that ships with qscope (needs Debian 12's QEMU)
	@$(BIN)/python tools/make_default_snapshot.py

clean:  ## remove the virtual environment and all caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

qemu:
	@sh tools/ensure_qemu.sh

# Without setuptools: its hook costs every start of Python 1 ms (3.12 brings it no more).
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "qscope needs Python 3.11 or newer; PYTHON=... names another one" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip --disable-pip-version-check install -qq --require-hashes -r requirements.lock
	$(BIN)/python -m pip --disable-pip-version-check install -qq --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m pip --disable-pip-version-check uninstall -qq --yes setuptools
	@touch $@

# Where PYTHONDONTWRITEBYTECODE is set, every start of qscope would compile it anew (25 ms).
$(COMPILED): $(STAMP) $(SOURCES)
	@$(BIN)/python -m compileall -q src
	@touch $@
