# Every target sets up what it needs in a virtual environment of its own, .venv.

PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test browser lint format-code bench kill faults clean
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "picosched needs Python 3.11 or later; say PYTHON=… to choose one" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(READY) ## the main job: a ruleset schedules an event, and it comes back
	@$(BIN)/picosched demo

test: $(READY) browser ## every test, the linters first
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

browser: ## Chromium for the tests of the console: Debian's, where there is none
	@command -v chromium >/dev/null || { echo "installing chromium …"; \
		$(SUDO) apt-get update -qq && \
		$(SUDO) apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || \
		{ echo "the tests of the console need Chromium as the command chromium" >&2; exit 1; }

lint: $(READY) ## ruff and mypy only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format-code: $(READY) ## lay the Python code out
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

kill: $(READY) ## the kill test alone, with its counts
	$(BIN)/python -m pytest tests/crash -s

faults: $(READY) ## a disk that fails at each of its calls in turn; some are tried by the tests
	FAULTS=all $(BIN)/python -m pytest tests/store/test_faults.py -s

bench: $(READY) ## every measurement of docs/performance.md
	$(BIN)/python -m tests.bench

clean: ## remove what the other targets made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
