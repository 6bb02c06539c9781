# Every habit is one word. `make demo` and `make test` start from a bare machine with Python >= 3.11 and a package index.
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-browser test-models lint format bench board docs constraints clean

PYTHON ?= $(or $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done),python3)
TORCH ?= torch==2.13.0
# `make setup EXTRAS=hf,plot` adds optional parts of the package to .venv.
EXTRAS ?=
comma := ,
ALL_EXTRAS = $(shell sed -n '/^\[project.optional-dependencies\]/,/^$$/s/^\([a-z]*\) = .*/\1/p' pyproject.toml)
WANTED = $(subst $(comma), ,$(EXTRAS))
ifneq ($(strip $(EXTRAS)),)
UNKNOWN := $(filter-out $(ALL_EXTRAS),$(WANTED))
ifneq ($(UNKNOWN),)
$(error there is no extra '$(firstword $(UNKNOWN))': EXTRAS takes $(ALL_EXTRAS), several with commas)
endif
endif
BIN := .venv/bin
# One worker more than there are cores: tests that wait for a server or a process leave theirs to another.
WORKERS = $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')
PYTEST = OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest --dist loadfile --no-loadscope-reorder
TORCH_FIRST = $(1)/bin/python -c 'import torch' 2>/dev/null || $(1)/bin/python -m pip install --quiet "$(TORCH)"
INSTALL = $(1)/bin/uv pip install --quiet --python $(1)/bin/python --compile-bytecode --constraints constraints.txt

# uv reads its own variables only: what pip was told about the index holds for both.
ifneq ($(strip $(PIP_FIND_LINKS)),)
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
endif
ifneq ($(strip $(PIP_INDEX_URL)),)
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif
ifneq ($(strip $(PIP_CERT)),)
export SSL_CERT_FILE ?= $(PIP_CERT)
endif
export UV_HTTP_TIMEOUT ?= 180
export UV_LINK_MODE ?= copy

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 @\2/p' Makefile | column -t -s@ 2>/dev/null || grep '##' Makefile

setup: .venv/.setup-package $(WANTED:%=.venv/.setup-extra-%) ## .venv with .venv/bin/proactivebench; EXTRAS=hf adds torch
demo: setup ## the main job on the built-in sample with the trivial agents; prints a board and writes it as a page
	$(BIN)/proactivebench demo

test: .venv/.setup-dev ## the whole default suite: no torch, no released data, no browser
	$(PYTEST) -n $(WORKERS)

test-browser: .venv/.setup-browser ## every page in a Chromium of the machine's own; without one they say that they were skipped
	$(PYTEST) -n auto -m browser

test-models: .venv-models/.setup-models ## adds torch: the tests with real models and servers
	.venv-models/bin/python -m pytest -m models

lint: .venv/.setup-dev ## format, lint, types, who may import whom, and what is declared
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	@find proactivebench perf -name '*.py' | xargs wc -l | awk '$$1 > 500 && $$2 != "total" { print $$2 ": " $$1 " lines, more than a reader wants open at once: split it"; bad = 1 } END { exit bad }'

format: .venv/.setup-dev ## what ruff can repair by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/.setup-dev ## what is claimed about speed, measured
	$(BIN)/python -m perf

board: setup ## a board of the released answers beside the anchors, built from the mirror into site/
	$(BIN)/proactivebench leaderboard seed --output_path site

docs: .venv/.setup-dev ## regenerates the JSON Schemas of every stored record and of a leaderboard entry
	$(BIN)/python -m proactivebench.schemas

constraints: .venv/.setup-dev ## pins what the package and its groups need today (torch and its CUDA parts aside)
	echo "$(TORCH)" | $(BIN)/uv pip compile pyproject.toml --constraints - --extra hf --group dev --group browser --group models --universal \
		--python-version 3.11 --no-header --no-annotate --quiet --upgrade \
		| grep -vE '^(torch|triton|nvidia-.*|cuda-.*)==' > constraints.txt

clean: ## removes what was built here, environments included
	rm -rf .venv .venv-models site dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

.venv/.setup-package: pyproject.toml constraints.txt
	test -x $(BIN)/uv || { $(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet uv; }
	$(call INSTALL,.venv) --editable .
	@touch $@

# torch first and by itself, so that the rest settles for the build this machine offers.
.venv/.setup-extra-%: .venv/.setup-package
	$(if $(filter hf,$*),$(call TORCH_FIRST,.venv))
	$(call INSTALL,.venv) --editable '.[$*]'
	@touch $@

.venv/.setup-dev: .venv/.setup-package
	$(call INSTALL,.venv) --group dev
	@touch $@

.venv/.setup-browser: .venv/.setup-dev
	$(call INSTALL,.venv) --group browser
	@touch $@

.venv-models/.setup-models: pyproject.toml constraints.txt
	test -x .venv-models/bin/uv || { $(PYTHON) -m venv .venv-models && .venv-models/bin/python -m pip install --quiet uv; }
	$(call TORCH_FIRST,.venv-models)
	$(call INSTALL,.venv-models) --editable '.[hf]' --group dev --group models
	@touch $@
