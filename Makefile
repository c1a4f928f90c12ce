# Every target sets up what it needs, in a virtual environment of its own: exactly what requirements.lock lists.

PYTHON ?= python3
VENV := .venv
BUILDER ?= podman
READY := $(VENV)/.ready
BIN := $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
TESTS = $(BIN)/python -m pytest --numprocesses auto --dist worksteal

# Without compiled files each process that a test starts would compile the whole package.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo check quick pythons test test-all lock test-latest browser lint format-code bench bench-http kill faults soak docs shots bundles audit container clean
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "picosched needs Python 3.11 or later; say PYTHON=… to choose one" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV) …"
	@$(INSTALL) --require-hashes --requirement requirements.lock
	@PYTHONWARNINGS=ignore $(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## the main job: a ruleset schedules an event, and it comes back
	@$(BIN)/picosched demo

check: lint quick ## for daily work: the linters and the quick tests

quick: $(READY)
	$(TESTS) --quiet -m "not slow"

pythons: ## the quick tests on each Python from 3.11 to 3.14 that is installed, in .venv-3.12 and so on
	@for version in 3.11 3.12 3.13 3.14; do \
		if python$$version -c "" 2>/dev/null; then \
			echo "Python $$version"; \
			$(MAKE) --no-print-directory quick PYTHON=python$$version VENV=.venv-$$version || exit 1; \
		else \
			echo "Python $$version is not installed"; \
		fi; \
	done

test: lint browser ## every test, the linters first; the quick ones on PostgreSQL too
	$(TESTS) --durations 15
	$(TESTS) --quiet --store postgres -m "not slow"

test-all: lint browser ## every test on files, and every one on PostgreSQL that does not need them
	$(TESTS) --durations 15
	$(TESTS) --quiet --store postgres

lock: $(READY) ## write requirements.lock anew, with the newest release of everything
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-config --custom-compile-command "make lock" --quiet --output-file requirements.lock

test-latest: ## make test with the newest release of everything, in .venv-latest
	$(PYTHON) -m venv --clear .venv-latest
	.venv-latest/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch .venv-latest/.ready
	$(MAKE) test VENV=.venv-latest

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

docs: $(READY) ## the documentation as a site, in build/site; a link that leads nowhere is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build
	@echo "build/site/index.html"

shots: $(READY) browser ## pictures of all pages of the console in build/shots, and those of the documentation anew
	cd tests && $(abspath $(BIN))/python -m web.console.shots $(abspath build/shots) $(abspath docs)

bundles: $(READY) ## CodeMirror and Quasar for the console, with what it uses of them; needs npm, and asks its registry
	cd bundles && npm ci --no-audit --no-fund --silent && \
		node build.mjs $$($(abspath $(BIN))/python -c 'import nicegui; print(*nicegui.__path__)')

audit: ## known faults of what requirements.lock lists; asks pypi.org
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	.venv-audit/bin/pip-audit --requirement requirements.lock --disable-pip

container: ## the image of Containerfile: build it, run it, and wait until it is healthy; BUILDER=docker
	$(BUILDER) build --file Containerfile --tag picosched .
	@id=$$($(BUILDER) run --detach picosched) && trap "$(BUILDER) rm --force $$id >/dev/null" EXIT && \
	for second in $$(seq 60); do \
		$(BUILDER) exec $$id python -c "import urllib.request as r; r.urlopen('http://127.0.0.1:8123/ready')" 2>/dev/null \
			&& echo "it is healthy, and runs as the user $$($(BUILDER) exec $$id id -u)" && exit 0; \
		sleep 1; \
	done; \
	$(BUILDER) logs $$id; exit 1

kill: $(READY) ## the kill tests alone, all of them, with their counts
	$(BIN)/python -m pytest tests/crash --all-kills -s

soak: $(READY) ## a server under mixed load for MINUTES=10, killed every KILL_EVERY=… s if said; checks that all holds
	$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),10) $(if $(KILL_EVERY),--kill-every $(KILL_EVERY))

faults: $(READY) ## a disk that fails at each of its calls in turn; some are tried by the tests
	FAULTS=all $(BIN)/python -m pytest tests/store/test_faults.py -s

bench: $(READY) ## every measurement of docs/performance.md
	$(BIN)/python -m tests.bench

bench-http: $(READY) ## requests a second over HTTP beside bare ASGI and the Node engine's core, of npm or of the folder PEER=…
	$(BIN)/python -m tests.bench over_http $(if $(PEER),--peer-in $(PEER),--peer)

clean: ## remove what the other targets made
	rm -rf $(VENV) .venv-* bundles/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
