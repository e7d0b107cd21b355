# Each target does its own set-up, in .venv or .venv-bench, where there is only Python and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The peers, PyTorch and JAX among them, have an environment of their own.
BENCH := .venv-bench
BENCH_FLAGS ?= --rounds=10
BENCH_OUTPUT ?= benchmarks/results.json
export TF_CPP_MIN_LOG_LEVEL ?= 2

.PHONY: demo test test-all bench lint clean

$(VENV)/.installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable ".[dev,jax]"
	touch $@

demo: $(VENV)/.installed
	$(BIN)/python -m trainers.demo

# In parts: what tests compile stays in memory as long as their process.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile
test: $(VENV)/.installed-dev
	$(PYTEST) -m "not slow" tests/zoo/models
	$(PYTEST) -m "not slow" tests/zoo --ignore=tests/zoo/models
	$(PYTEST) -m "not slow" tests --ignore=tests/zoo

test-all: $(VENV)/.installed-dev
	$(PYTEST) tests/zoo/models
	$(PYTEST) tests/zoo --ignore=tests/zoo/models
	$(PYTEST) tests --ignore=tests/zoo

$(BENCH)/.installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --upgrade pip
	$(BENCH)/bin/python -m pip install --quiet --editable ".[bench]"
	touch $@

bench: $(BENCH)/.installed
	$(BENCH)/bin/python -m benchmarks --output=$(BENCH_OUTPUT) --page=docs/benchmarks.md $(BENCH_FLAGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

clean:
	rm -rf $(VENV) $(BENCH) build *.egg-info
