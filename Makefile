# Everything starts from python3 (3.11 or newer), make and a package registry.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help demo test test-slow shared-slow simulate test-pythons lint types unit covered imports test-oldest test-newest test-aiohttp \
	bench bench-instructions bench-decode bench-quick bench-bulk bench-shared bench-dask plots benchmarks-docs drill-bulk drill-export \
	docs docs-tree format clean

help: ## what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/.runtime ## retrieve a wallet from the embedded sandbox and show what happens
	@$(BIN)/commercelayer-async demo

test: $(VENV)/.dev ## everything a change must pass, three things at a time: many tests wait
	@$(BIN)/coverage erase
	@$(MAKE) --no-print-directory --output-sync=target -j3 lint $(PARTS) types
	@$(MAKE) --no-print-directory covered imports

lint: $(VENV)/.dev ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev ## mypy and pyright, both strict
	$(BIN)/mypy
	$(BIN)/basedpyright --pythonpath $(BIN)/python

unit: $(VENV)/.dev ## the tests, with branch coverage, three parts at a time
	@$(BIN)/coverage erase
	@$(MAKE) --no-print-directory --output-sync=target -j3 $(PARTS)
	@$(MAKE) --no-print-directory covered

# Parts of the tests by the first letter of their folder or file, those that take longest first.
PARTS := unit-s-z unit-e-h unit-a-d unit-i-r

unit-%: $(VENV)/.dev
	$(BIN)/coverage run -m pytest tests/[$*]*

covered:
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

imports: $(VENV)/.dev ## print what importing the package costs
	$(BIN)/python benchmarks/imports.py

test-slow: $(VENV)/.dev ## drills, long property tests, tens of thousands of runs of the simulation, processes that share a budget
	@$(MAKE) --no-print-directory --output-sync=target -j3 $(SLOW_PARTS)

# Those that take longest first. Those that share a budget wait for its windows most of the time.
SLOW_PARTS := slow-s-z shared-slow slow-a-ik-r slow-j

slow-%: $(VENV)/.dev
	$(BIN)/python -m pytest -m slow $(filter-out tests/shared,$(wildcard tests/[$*]*))

shared-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -m slow tests/shared

simulate: $(VENV)/.dev ## runs of the simulation; SEEDS=A:B for those from A up to B
	$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),0:5000) --jobs 0 --shrink

test-pythons: ## the tests under each of Python 3.11 to 3.13 that is there
	PYTHON=$(PYTHON) .ci/pythons

test-oldest: ## the tests with each dependency at its floor
	PYTHON=$(PYTHON) .ci/dependencies oldest

test-newest: ## the tests with the newest releases of everything, pre-releases too
	PYTHON=$(PYTHON) .ci/dependencies newest

test-aiohttp: ## the tests with aiohttp's newest release or pre-release
	PYTHON=$(PYTHON) .ci/dependencies aiohttp

bench: $(VENV)/.bench ## CPU and wall time of a retrieve, beside aiohttp, httpx and others
	$(BIN)/python -m benchmarks.retrieve --json build/benchmarks/retrieve.json

bench-instructions: $(VENV)/.bench ## a retrieve in instructions, which a busy machine does not change; needs valgrind
	$(BIN)/python -m benchmarks.instructions

drill-bulk: $(VENV)/.dev ## read 100,000 wallets while things go wrong; fails on any loss
	$(BIN)/python -m benchmarks.drill_bulk

drill-export: $(VENV)/.dev ## kill an exporting process again and again, and compare what it wrote; fails on any loss
	$(BIN)/python -m benchmarks.drill_export

bench-decode: $(VENV)/.bench ## CPU time of decoding, beside orjson, msgspec, pydantic and others
	$(BIN)/python -m benchmarks.decode --json build/benchmarks/decode.json

bench-quick: $(VENV)/.bench ## the tables of decoding in about a minute, with few rounds and few contenders
	$(BIN)/python -m benchmarks.decode --quick

bench-bulk: $(VENV)/.bench ## CPU and wall time of reading many wallets, without limits and under the API's
	$(BIN)/python -m benchmarks.bulk --json build/benchmarks/bulk.json

bench-shared: $(VENV)/.bench ## what a budget costs that processes share, and how much of the windows they use
	$(BIN)/python -m benchmarks.shared --json build/benchmarks/shared.json
	$(BIN)/python -m benchmarks.plots --page docs/explanation/shared-budget.md $(if $(BUSY),--busy) build/benchmarks/shared.json

bench-dask: $(VENV)/.bench ## what exports over workers cost; DOCS=1 writes docs/how-to/many-machines.md, on a quiet machine
	$(BIN)/python -m benchmarks.dask --json build/benchmarks/dask.json $(if $(DOCS),--docs) $(if $(BUSY),--busy)

benchmarks-docs: $(VENV)/.bench ## measure all, in one run on a quiet machine, and write docs/benchmarks.md
	$(BIN)/python -m benchmarks.publish $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(BUSY),--busy)

plots: $(VENV)/.runtime ## docs/benchmarks.md again from what its last run found, without measuring
	$(BIN)/python -m benchmarks.plots $(if $(BUSY),--busy) $(addprefix build/benchmarks/,retrieve.json decode.json bulk.json)

docs: $(VENV)/.dev ## the documentation into site/, without warnings or dead links
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	$(BIN)/python -m tests.support.docs_links site

docs-tree: $(VENV)/.runtime ## the tree of docs/explanation/path.md, from the modules' docstrings
	$(BIN)/python -m tests.docs.docs_tree --write

format: $(VENV)/.dev ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove what was made
	rm -rf $(VENV) .venv-* .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist site

$(VENV)/.runtime: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install -q -e '.[cli]'
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	$(BIN)/python -m pip install -q --group dev
	@touch $@

$(VENV)/.bench: $(VENV)/.dev
	$(BIN)/python -m pip install -q --group bench
	@touch $@
