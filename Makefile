# The developer's manual. `make demo` and `make test` need nothing but Python 3.11 with venv, and this checkout.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 3
.DEFAULT_GOAL := help
.PHONY: help demo test lint types floors unit crash soak bench corpora clients lock clean

help:  ## this text
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

demo: $(VENV)/.run  ## start on SQLite in a throwaway folder, send sample mails, show tickets and answers (DEMO_ONCE=1: then end)
	@$(BIN)/python -m helpdeskd demo

test: $(VENV)/.dev parts lint types floors unit  ## everything: lint, types, floors and the whole suite

lint: $(VENV)/.dev  ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev  ## mypy, strict
	$(BIN)/mypy

floors: $(VENV)/.dev  ## import-linter: who may import whom
	$(BIN)/lint-imports

unit: $(VENV)/.dev  ## the suite (live parts that are missing are skipped by name)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q -rs

crash: $(VENV)/.dev  ## a SIGKILL at every effect call of the street (docs/crash.md); an hour or two, goes on where it was interrupted
	$(BIN)/python -m tests.crash

bench: $(VENV)/.dev  ## every measurement of docs/performance.md
	$(BIN)/python -m tests.bench

soak: $(VENV)/.dev  ## 5,000 mails by all doors, 30 kills, 5 restarts of PostgreSQL; then the reckoning (SOAK="--mails 500 --seed 1")
	$(BIN)/python -m tests.crash.soak $(SOAK)

corpora: $(VENV)/.dev  ## how well mail is read, on public corpora beside the checkout; writes docs/mail-accuracy.md (ten minutes)
	$(BIN)/python -m tests.corpora --write

.PHONY: parts
parts:  ## real parts for the live tests (Debian packages, when root)
	@sh tests/parts.sh

# Each by itself: a registry that has one may lack the other. None runs scripts of its own as it comes.
CLIENTS := jitbit-js@0.0.8 jitbit-helpdesk-mcp@1.0.2
clients: $(VENV)/bin/python  ## public clients of the APIs, for tests/live/test_public_clients.py (needs npm)
	@mkdir -p $(VENV)/clients
	@for each in $(CLIENTS); do \
	  npm install --prefix $(VENV)/clients --ignore-scripts --no-audit --no-fund --silent $$each && echo "$$each is here" || echo "$$each cannot be had"; \
	done

lock:  ## write the lock files anew (needs uv)
	uv pip compile pyproject.toml --extra postgres --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11 -o requirements.lock
	uv pip compile pyproject.toml --extra postgres --extra s3 --extra pgp --group dev --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11 -o requirements-dev.lock

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("helpdeskd needs Python 3.11 or later; this is " + sys.version.split()[0] + ". Say: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else 0'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv or pip is missing. On Debian or Ubuntu: apt-get install python3-venv python3-pip"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock | $(VENV)/bin/python
	@echo "Installing what helpdeskd needs into $(VENV) (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock | $(VENV)/bin/python
	@echo "Installing what the tests need into $(VENV) (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@ $(VENV)/.run

clean:  ## forget everything that was made
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
