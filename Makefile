# Every target sets up what it needs. Needed beforehand: Python >= 3.11 with venv and pip, and make.

PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
# How many processes the tests run in, each with databases of its own; and further options of pytest.
PROCESSES ?= 2
SHARED := -n $(PROCESSES) --dist loadfile --no-loadscope-reorder
PYTEST_OPTIONS ?=

.DEFAULT_GOAL := help
.PHONY: help setup lock run demo test test-sqlite test-pg fmt lint types check check-full check-long explore chaos pooler migrate finding retention waiting worker wheel bench

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.installed ## Make .venv with the locked packages and this project

.venv/.locked: .ci/requirements.lock
	@echo 'Installing the packages of .ci/requirements.lock into .venv, which takes about a minute.'
	rm -rf .venv
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python >= 3.11 is needed: make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement .ci/requirements.lock
	touch $@

.venv/.installed: .venv/.locked pyproject.toml
	@echo 'Installing this project into .venv.'
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

lock: ## Take the newest packages that pyproject.toml allows into the lock
	@echo 'Installing the newest packages into .venv, which takes about a minute.'
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(BIN)/pip freeze --exclude-editable > .ci/requirements.lock
	touch .venv/.locked .venv/.installed

# Credentials for development, unless other ones are given; `py-bpmn serve` itself has none.
ifeq ($(BPMN_HTTP_BASIC_AUTH_USERNAME)$(BPMN_HTTP_BASIC_AUTH_PASSWORD)$(BPMN_HTTP_BASIC_AUTH_PASSWORD_FILE)$(filter none,$(BPMN_AUTH_MODE)),)
run demo: export BPMN_HTTP_BASIC_AUTH_USERNAME = dev
run demo: export BPMN_HTTP_BASIC_AUTH_PASSWORD = dev
endif

run: setup ## Serve on 127.0.0.1:8080 with bpmn.db, as user dev with password dev (BPMN_... to change it)
	exec $(BIN)/py-bpmn serve

demo: setup ## Play a process from deployment to completion
	$(BIN)/py-bpmn demo

migrate: setup ## Create or update the tables of BPMN_DATABASE_URL
	$(BIN)/py-bpmn migrate

test: setup ## Run the tests on SQLite and PostgreSQL
	$(PYTEST) $(SHARED) $(PYTEST_OPTIONS)

test-sqlite: setup ## Run the tests that need no PostgreSQL
	$(PYTEST) $(SHARED) $(PYTEST_OPTIONS) -m 'not postgres'

test-pg: setup ## Run the tests that need PostgreSQL (their own, or the one of TEST_DATABASE_URL)
	$(PYTEST) $(SHARED) $(PYTEST_OPTIONS) -m postgres

fmt: setup ## Format the code, and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: setup ## Look for mistakes and unformatted code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## Check the types
	$(BIN)/mypy

check: ## lint, types and all tests but the long ones, the same on every run
	$(MAKE) lint
	$(MAKE) types
	BPMN_TEST_PROFILE=check $(MAKE) test

check-full: ## lint, types and all tests, with the long ones and with full counts of generated cases
	$(MAKE) lint
	$(MAKE) types
	BPMN_TEST_PROFILE=full $(MAKE) test

check-long: ## The same with five times as many generated cases, which takes hours
	$(MAKE) lint
	$(MAKE) types
	BPMN_TEST_PROFILE=long $(MAKE) test

explore: setup ## Try new generated cases until one fails (ROUNDS=1 or SECONDS=60 to bound it, SEED=... to repeat a round)
	$(BIN)/python -m tests.explore $(if $(SEED),--seed $(SEED)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
		$(if $(SECONDS),--seconds $(SECONDS)) $(SHARED) $(PYTEST_OPTIONS)

chaos: setup ## Kill services and databases at random, under load (CHAOS=... for its options)
	$(BIN)/python -m tests.chaos $(CHAOS)

pooler: setup ## Try the service behind PgBouncer, which must be installed (apt-get install pgbouncer)
	$(PYTEST) tests/pooler/checks.py $(PYTEST_OPTIONS)

finding: setup ## Ask what operators ask, among 100,000 instances: whether it goes by indexes, and how long it takes
	BPMN_TEST_PER_DAY=1667 $(PYTEST) $(PYTEST_OPTIONS) tests/store/test_store_finding.py
	$(BIN)/python -m tests.store.finding

retention: setup ## Delete ended instances under load for ten minutes on each database (RETENTION=... for its options)
	$(BIN)/python -m tests.bench.retention $(RETENTION)

waiting: setup ## Measure how soon those who wait for jobs get them, and what they cost others
	$(BIN)/python -m tests.bench.waiting

wheel: setup ## Build the wheels of both distributions into dist/: py-bpmn-server and py-bpmn-client
	$(BIN)/python -m build --wheel --no-isolation --outdir dist .
	$(BIN)/python -m build --wheel --no-isolation --outdir dist py_bpmn

worker: setup ## Kill workers again and again, and measure how many jobs one does
	BPMN_TEST_PROFILE=full BPMN_TEST_KILLS=20 $(PYTEST) tests/worker -m slow $(PYTEST_OPTIONS)
	$(BIN)/python -m tests.bench.worker

bench: setup ## Measure speed, CPU, memory and growth (BENCH=--quick, and other options)
	$(BIN)/python -m tests.bench $(BENCH)
