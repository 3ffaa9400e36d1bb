# Sotto. `make run` needs Python >= 3.11 alone; everything lives in .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
PART   := .ci/part
PARTS  := check-lint check-format check-types check-house check-pure

.DEFAULT_GOAL := help
.PHONY: help run web env env-dev lock check test chaos mutation bench $(PARTS)
MAKEFLAGS += --no-print-directory

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: env ## a demo organisation on http://127.0.0.1:8080 (HOST and PORT override), in browsers too where Node is
	@.ci/web
	@$(BIN)/sotto demo

web: ## build the web app into the package (needs Node 20.19 or newer)
	@.ci/web need

# --- the environment: pip and hashes alone, made again only when a lock changes -------------------------------------

env: $(VENV)/.runtime ## the environment to run Sotto in
env-dev: $(VENV)/.dev ## the same with the tools that check it

$(VENV)/.runtime: requirements/runtime.txt
	@.ci/python $(PYTHON)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes -r $<
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@$(PIP) install --require-hashes -r $<
	@touch $@

lock: env-dev ## write requirements/*.txt from pyproject.toml again (LOCK_FLAGS=--upgrade for newer versions)
	@.ci/lock $(LOCK_FLAGS)

# --- checks: parts run side by side, each says its seconds ------------------------------------------------------------

check: env-dev ## lint, types, layers and pure tests, in seconds
	@$(MAKE) -k -j $(PARTS)

check-lint:
	@$(PART) lint $(BIN)/ruff check --quiet .
check-format:
	@$(PART) format $(BIN)/ruff format --check .
check-types:
	@$(PART) types $(BIN)/mypy
check-house:
	@$(PART) house $(BIN)/pytest tests/test_house.py tests/test_layers.py
check-pure:
	@$(PART) pure $(BIN)/pytest -m pure

test: env-dev ## everything there is: the checks, then every test, whatever the checks said
	@$(MAKE) check; checked=$$?; HYPOTHESIS_PROFILE=thorough $(BIN)/pytest -n 2 && exit $$checked

browser: env-dev ## the journeys in a real Chromium (preview: needs playwright in the environment)
	@$(BIN)/pytest clients/demo_web/journeys

# --- the long ones: their results are committed -----------------------------------------------------------------------

RUNS ?= 50
SEED ?= 1

chaos: env-dev ## kill -9 of the server under load at RUNS seeded moments; the checker's word in docs/results/kill.json
	@$(BIN)/python -m loadtests.chaos.kill --runs $(RUNS) --seed $(SEED) --out docs/results/kill.json

mutation: env-dev ## change and remove what crypto/ checks; what no test notices is listed (20-30 minutes)
	@$(BIN)/mutmut run --max-children 2 && $(BIN)/mutmut results && $(BIN)/python -m crypto.vectors.removals 2

BENCH_ROUNDS ?= 5
bench: env-dev ## what relaying one message costs, beside bare relays (some 12 minutes; leave the machine alone meanwhile)
	@! command -v npm >/dev/null || npm ci --prefix loadtests/peers --no-audit --no-fund --silent
	@$(BIN)/python -m loadtests.relay_bench --rounds $(BENCH_ROUNDS) $(BENCH_FLAGS)
