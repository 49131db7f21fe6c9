# Two commands matter: `make run` and `make test`. Each works from a fresh clone with Python 3.11+, pip and
# make alone; everything lands in .venv, and a second call finds it done.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first interpreter that is new enough; `make PYTHON=/path/to/python3.12 setup` names another.
PYTHON ?= $(firstword $(foreach python,python3 python3.13 python3.12 python3.11 python,$(shell \
	$(python) -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $(python))))

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
# Read by tests, tools and types alike; a folder that does not exist yet is left out.
CODE := $(wildcard src tests tools bench examples)

# A test run starts one worker per core, and no more than eight; TESTS and PYTEST_ARGS narrow it down:
# make test TESTS=tests/house PYTEST_ARGS="-k purity -x"
TEST_WORKERS ?= logical
TESTS ?=
PYTEST_ARGS ?=

.PHONY: help
help: ## Print this list
	@echo "Tradehall. make <target>, where target is:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ------------------------------------------------------------------ installing

# A virtual environment holds absolute paths: after the clone was moved, or its Python removed, it is made anew.
ifneq ($(shell cat $(VENV)/.home 2>/dev/null && $(BIN)/python -c '' 2>/dev/null && echo alive),$(CURDIR) alive)
.PHONY: $(VENV)/.home
endif

$(VENV)/.home:
	@test -n "$(PYTHON)" || { echo "Tradehall needs Python 3.11 or newer: none found; try make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(f"Tradehall needs Python 3.11 or newer: $(PYTHON) is {v.major}.{v.minor}" if v < (3, 11) else 0)'
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)
	@echo "$(CURDIR)" > $@

# The index is whatever pip is configured to use; the hashes say that what came is what was meant.
$(VENV)/.run: requirements.lock $(VENV)/.home
	@echo "installing what the server needs (requirements.lock)"
	@$(PIP) install --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.package: pyproject.toml $(VENV)/.run
	@echo "installing tradehall itself, editable"
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.package
	@echo "installing what the tests and checks need (requirements-dev.lock)"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

.PHONY: setup
setup: $(VENV)/.package ## Make .venv with the pinned dependencies and the package

.PHONY: dev
dev: $(VENV)/.dev ## The same, with everything the tests and checks need

# --------------------------------------------------------------------- running

.PHONY: run
run: setup ## Start the server with demo accounts, in the foreground
	@exec $(BIN)/tradehall serve --demo

.PHONY: bench
bench: dev ## Measure the canonical workloads
	@exec $(BIN)/python -m bench

SOAK_MINUTES ?= 30

.PHONY: soak
soak: dev ## All doors at once for half an hour: nothing may grow (SOAK_MINUTES=5 for a look)
	@exec $(BIN)/python -m bench soak --minutes $(SOAK_MINUTES)

# -------------------------------------------------------------------- the gate

.PHONY: test
test: dev ## Run all tests
	@exec $(BIN)/python -m pytest -n $(TEST_WORKERS) --maxprocesses 8 --dist worksteal $(PYTEST_ARGS) $(TESTS)

# An engine written by others, for Python 3.12 or newer, in an environment of its own: docs/oracle.md.
ORACLE_PYTHON ?= $(firstword $(foreach python,python3.12 python3.13 python3.14 python3,$(shell \
	$(python) -c 'import sys; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1 && echo $(python))))
ORACLE_SEEDS ?= 1-10

.venv-oracle/.installed: tests/oracle/requirements.txt
	@test -n "$(ORACLE_PYTHON)" || { echo "The oracle needs Python 3.12 or newer; try make oracle ORACLE_PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(ORACLE_PYTHON) -m venv --clear .venv-oracle
	@.venv-oracle/bin/python -m pip --disable-pip-version-check --no-input --quiet install -r tests/oracle/requirements.txt
	@touch $@

.PHONY: oracle
oracle: dev .venv-oracle/.installed ## Hold the venue against NautilusTrader, which it installs in .venv-oracle
	@TRADEHALL_ORACLE_SEEDS=$(ORACLE_SEEDS) exec $(BIN)/python -m pytest -rP -m oracle tests/oracle

# What three libraries of others say of the same series; numpy and pandas as pinned want Python 3.11 or newer.
.venv-metrics-peers/.installed: tests/analytics/peers/requirements.txt
	@$(PYTHON) -m venv --clear .venv-metrics-peers
	@.venv-metrics-peers/bin/python -m pip --disable-pip-version-check --no-input --quiet install -r tests/analytics/peers/requirements.txt
	@touch $@

.PHONY: metrics-peers
metrics-peers: .venv-metrics-peers/.installed ## Ask the peers of our metrics again, and write their answers for the tests
	@.venv-metrics-peers/bin/python tests/analytics/peers/generate.py

# Backtesters by others that are given our bars and orders: docs/backtest-conventions.md. PyAlgoTrade wants 3.11 or older.
.venv-backtest-peers/.installed: tests/backtests/peers/requirements.txt
	@$(PYTHON) -m venv --clear .venv-backtest-peers
	@.venv-backtest-peers/bin/python -m pip --disable-pip-version-check --no-input --quiet install -r tests/backtests/peers/requirements.txt
	@touch $@

.PHONY: backtest-peers
backtest-peers: .venv-backtest-peers/.installed .venv-oracle/.installed ## Ask other backtesters what fills of our orders, and write their answers for the tests
	@.venv-backtest-peers/bin/python -m tests.backtests.peers.generate
	@.venv-oracle/bin/python -W ignore -m tests.backtests.peers.asked_nautilus

# Backtesters by others, in an environment of their own: docs/benchmarks.md.
.venv-peers/.installed: bench/peers/requirements.txt
	@$(PYTHON) -m venv --clear .venv-peers
	@.venv-peers/bin/python -m pip --disable-pip-version-check --no-input --quiet install -r bench/peers/requirements.txt
	@touch $@

.PHONY: peers
peers: .venv-peers/.installed .venv-oracle/.installed ## Install the backtesters that `python -m bench backtest` measures beside ours

.PHONY: check
check: format-check lint types imports dead docs openapi-check page-check ## Format, lint, types, imports, dead code, docs, OpenAPI, page

.PHONY: format-check
format-check: dev
	$(BIN)/ruff format --check $(CODE)

.PHONY: lint
lint: dev ## Only ruff
	$(BIN)/ruff check --quiet $(CODE)

.PHONY: types
types: dev ## Only mypy --strict
	$(BIN)/mypy --strict $(CODE)

.PHONY: imports
imports: dev ## Only the import contracts
	$(BIN)/lint-imports --no-logo --cache-dir .cache/imports

.PHONY: dead
dead: dev ## Only the search for dead code
	$(BIN)/python tools/check_dead_code.py

.PHONY: docs
docs: dev ## Only the links and snippets of the documents
	$(BIN)/python tools/check_docs.py

.PHONY: openapi-check
openapi-check: dev
	$(BIN)/python tools/check_openapi.py

.PHONY: page-check
page-check: dev
	$(BIN)/python tools/check_page.py

# ------------------------------------------------------------------ tidying up

.PHONY: format
format: dev ## Format the code and sort its imports
	$(BIN)/ruff check --select I --fix --quiet $(CODE)
	$(BIN)/ruff format --quiet $(CODE)

.PHONY: openapi
openapi: dev ## Write docs/openapi/*.json anew
	$(BIN)/python tools/check_openapi.py --write

# The page is committed as it is built, so that nobody but its authors needs Node.
.PHONY: page
page: ## Build the web page from ui/ (needs Node 20 and npm)
	cd ui && npm ci --silent && npm run --silent check && npm run --silent build

# The dev lock is resolved first and the run lock takes its pins from it, so that the two never disagree.
LOCK := build/lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options

.PHONY: lock
lock: ## Resolve the dependencies anew; `make lock UPGRADE=--upgrade` takes the newest
	@$(PYTHON) -m venv --clear build/lock
	@build/lock/bin/python -m pip install --quiet pip-tools
	$(LOCK) $(UPGRADE) --extra dev --output-file requirements-dev.lock pyproject.toml requirements-build.in
	$(LOCK) $(UPGRADE) --constraint requirements-dev.lock --output-file requirements.lock pyproject.toml requirements-build.in

.PHONY: clean
clean: ## Remove caches and builds; .venv and tradehall-data stay
	@rm -rf build dist .cache .hypothesis .ruff_cache
	@find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
