# Each target does its own set-up, in .venv or .venv-bench, where there is only Python and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The peers, PyTorch and JAX among them, have an environment of their own.
BENCH := .venv-bench
BENCH_FLAGS ?= --rounds=10
BENCH_OUTPUT ?= benchmarks/results.json
# Further arguments of pytest: make test ARGS="-k maf".
ARGS ?=
export TF_CPP_MIN_LOG_LEVEL ?= 2

.PHONY: demo test test-all test-hub test-bayesflow test-site check lint types tables docs site versions versions-lowest-direct \
	versions-highest bench clean

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

# Two processes, which take the tests from one queue; a file's tests share what they build.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile
test: $(VENV)/.installed-dev
	$(PYTEST) -m "not slow" $(ARGS)

test-all: $(VENV)/.installed-dev
	$(PYTEST) $(ARGS)

# Presets through Hugging Face's client, against a hub in a thread.
test-hub: $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet --editable ".[hub]"
	$(BIN)/python -m pytest tests/hub $(ARGS)

# Flows as inference networks of BayesFlow; Python 3.11 or later.
test-bayesflow: $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet --editable ".[bayesflow]"
	$(BIN)/python -m pytest tests/integrations $(ARGS)

# What a contributor runs every few minutes: lint, types, tests of the rooms that changed.
check: lint
	$(BIN)/python -m tests.changed $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The generated parts of README and docs/.
tables: $(VENV)/.installed
	$(BIN)/python docs/build.py

$(VENV)/.installed-docs: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable ".[docs]"
	touch $@

MKDOCS := NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs
# A command, and how long it took.
TIMED = @start=$$(date +%s); $(1) && t=$$(($$(date +%s) - start)) && echo "$@: $$((t / 60)) min $$((t % 60)) s"
# The site, in build/site, from the start: every tutorial runs.
docs:
	rm -rf build/tutorials build/site
	$(call TIMED,$(MAKE) --no-print-directory site)

# The same, where only the tutorials that changed run; TUTORIALS= leaves them as they are.
TUTORIALS ?= $(patsubst docs/tutorials/%.py,build/tutorials/%.ipynb,$(wildcard docs/tutorials/*.py))
site: tables $(TUTORIALS) $(VENV)/.installed-docs
	$(MKDOCS) build --strict --quiet

build/tutorials/%.ipynb: docs/tutorials/%.py | $(VENV)/.installed-docs
	@mkdir -p $(@D)
	$(call TIMED,$(BIN)/jupytext --quiet --set-kernel python3 --to ipynb --execute --output $@ $<)

# The site in a browser: the system's Chromium, or the one that CHROMIUM names.
test-site: $(VENV)/.installed-dev $(VENV)/.installed-docs
	$(MKDOCS) build --strict --quiet
	SITE=build/site $(BIN)/python -m pytest -rs tests/site $(ARGS)

# The fast tests on the lowest and the highest versions that setup.cfg allows and the index has, each
# in an environment of its own; uv finds the Python, or brings it.
versions: versions-lowest-direct versions-highest
RELEASES = $(shell sed -n 's/.*Python :: \(3\..*\)/\1/p' setup.cfg)
versions-lowest-direct: RELEASE = $(firstword $(RELEASES))
versions-highest: RELEASE = $(lastword $(RELEASES))
versions-lowest-direct versions-highest: versions-%: build/uv/bin/uv
	build/uv/bin/uv venv --quiet --clear --python $(RELEASE) build/versions/$*
	build/uv/bin/uv pip install --quiet --python build/versions/$* --resolution $* --editable ".[dev,jax]"
	build/uv/bin/uv pip freeze --python build/versions/$* | grep -E "^(keras|numpy|tensorflow|tf)"
	$(call TIMED,build/versions/$*/bin/python -m pytest -n 2 --dist loadfile -m "not slow" $(ARGS))

build/uv/bin/uv:
	$(PYTHON) -m venv build/uv
	build/uv/bin/python -m pip install --quiet uv

$(BENCH)/.installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --upgrade pip
	$(BENCH)/bin/python -m pip install --quiet --editable ".[bench]"
	touch $@

bench: $(BENCH)/.installed
	$(BENCH)/bin/python -m benchmarks --output=$(BENCH_OUTPUT) --page=docs/benchmarks.md $(BENCH_FLAGS)

clean:
	rm -rf $(VENV) $(BENCH) build *.egg-info
