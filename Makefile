# Installing, starting, testing. Needs Python 3.11 or later (with venv) and make, nothing else; all else comes pinned.
#
#   make up      start everything and stay in the foreground (Ctrl-C stops it)
#   make test    every check and test
#   make test-api API_URL=https://… API_KEY=…   the tests of the API against that one
#   make bench   the measurements of benchmarks/; `make bench ARGS="writer parsing"` for some of them
#   make lock    new requirements locks from pyproject.toml
#   make types   supabase/types/database.ts anew, after a change of what the API serves
#   make format  put code into the shape that `make test` wants
#   make clean   remove what was installed; the data stays

# The first Python on the path that is recent enough; `make PYTHON=/path/to/python3` chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)

VENV := .venv
BIN := $(VENV)/bin
# A stamp says that what it depends on has been installed.
VENV_MADE := $(VENV)/.made
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
NPM := supabase/node_modules/.installed

# The locks are complete, so nothing is left to resolve; resolving, pip also stumbles over extras with hashes.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
INSTALL_PROJECT := $(PIP_INSTALL) --no-build-isolation --editable .
UV_COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --extra celery

# Each worker has a PostgreSQL of its own; the tests of a file share what they have set up. In their order, the long
# ones go first.
IN_PARALLEL := --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := up
.PHONY: up test test-api bench install lock types format clean
.DELETE_ON_ERROR:

up: install
	@exec $(BIN)/ticketmarts up

install: $(RUNTIME) $(NPM)

test: $(DEV) $(NPM)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint dbt_project supabase/migrations
	$(BIN)/squawk supabase/migrations/*.sql
	$(BIN)/pytest $(IN_PARALLEL)

# The tests of the API alone. API_URL and API_KEY point them at another server than the local one; what else they take
# is said in tests/integration/api/conftest.py. Make hands on what its command line sets.
test-api: $(DEV) $(NPM)
	$(BIN)/pytest tests/integration/api

bench: $(DEV) $(NPM)
	$(BIN)/python -m benchmarks $(ARGS)

# The development lock first: what is tested is then what runs.
lock: $(DEV)
	$(UV_COMPILE) --group dev -o requirements-dev.lock pyproject.toml
	$(UV_COMPILE) -c requirements-dev.lock -o requirements.lock pyproject.toml

types: install
	@$(BIN)/python -m stack.database_types

format: $(DEV)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/sqlfluff fix dbt_project supabase/migrations

clean:
	rm -rf $(VENV) supabase/node_modules dbt_project/target dbt_project/logs *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV_MADE):
	@if [ -z "$(PYTHON)" ]; then \
		echo "error: no Python 3.11 or later on the path. Install one, or say where: make PYTHON=/path/to/python3" >&2; exit 1; fi
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "error: $(PYTHON) is no Python 3.11 or later. Say where one is: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "error: $(PYTHON) lacks the module venv (on Debian and Ubuntu: apt install python3-venv)." >&2; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(RUNTIME): requirements.lock pyproject.toml | $(VENV_MADE)
	@echo "installing Python packages (requirements.lock)"
	@$(PIP_INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL_PROJECT)
	@touch $@

# Has everything of the runtime's, too, at the same versions.
$(DEV): requirements-dev.lock pyproject.toml | $(VENV_MADE)
	@echo "installing Python packages (requirements-dev.lock)"
	@$(PIP_INSTALL) --require-hashes -r requirements-dev.lock
	@$(INSTALL_PROJECT)
	@touch $(RUNTIME) $@

# Needs Python packages, whichever of the two sets: node comes from one of them.
$(NPM): supabase/package-lock.json supabase/package.json | $(VENV_MADE)
	@[ -e $(RUNTIME) ] || $(MAKE) --no-print-directory $(RUNTIME)
	@echo "installing npm packages (supabase/package-lock.json)"
	@$(BIN)/python -m stack.npm_packages
	@touch $@
