# make        set up .venv and run the demo: synthetic twins, all tables, figures and claims, report.html and reproduction.pdf
# make test   set up and run all tests        make check   ruff, types, snakefmt, snakemake --lint
# make docs   set up and build the documentation into site/
# make schema write config/schema again after a change in src/grd/config
# CORES=8 make, PYTHON=python3.12 make, TESTS="-m 'not slow'" make test

PYTHON ?= python3
CORES ?= all
TESTS ?=
BIN := .venv/bin

EMPTY :=
SPACE := $(EMPTY) $(EMPTY)

.PHONY: demo setup place test check docs format schema lock clean

demo: setup
	$(BIN)/snakemake --cores $(CORES)

setup: .venv/installed

# before all else; Snakemake calls the Python of .venv by its path, without quotes
place:
	$(if $(findstring $(SPACE),$(CURDIR)),$(error expected a path without spaces, found $(CURDIR): Snakemake cannot start \
	  Python there; move the project))@:

# compiled once here: where PYTHONDONTWRITEBYTECODE is set, every import would compile anew
.venv/installed: requirements.lock pyproject.toml | place
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --compile --requirement requirements.lock
	$(BIN)/python -m pip install --no-deps --editable .
	touch $@

test: setup
	$(BIN)/python -m pytest $(TESTS)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check workflow
	$(BIN)/snakemake --lint

docs: setup
	$(BIN)/mkdocs build --strict

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt workflow

# with which editors complete and check config/*.yaml
schema: setup
	$(BIN)/python -m grd.config.schema

lock: setup
	$(BIN)/python -m pip install uv
	{ head -1 requirements.lock; UV_FIND_LINKS="$(PIP_FIND_LINKS)" $(BIN)/uv pip compile --no-header --no-annotate \
	  --python-version 3.11 requirements.in | sed 's/+cpu$$//'; } > .lock.new && mv .lock.new requirements.lock

clean:
	rm -rf .venv site
