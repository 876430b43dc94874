# What a newcomer types. `make` alone lists it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# As many processes; they wait more than they compute, and the real cluster runs beside them.
WORKERS ?= 3

.PHONY: help setup demo test check fast machine format lock bench pictures clean

help: ## Lists what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Makes .venv with everything that is locked; offline once it is there

$(READY): requirements/dev.txt pyproject.toml
	@tools/setup $(VENV) requirements/dev.txt
	@touch $@

demo: $(READY) ## Heals a simulated cluster before your eyes, and checks every scenario's end
	@$(BIN)/kubernaut demo --once --port $${PORT:-0}

machine: $(READY) ## Gets what the tests of real components need, as far as this machine can have it
	@$(BIN)/python -m tests.prepare_machine
	@$(BIN)/python -m tests.prepare_vectors
	@$(BIN)/python -m tests.prepare_model
	@tests/cluster/prepare

test: machine ## Runs all tests; those that this machine cannot run are named with the reason
	@$(BIN)/python -m tests.run_all $(WORKERS)

fast: $(READY) ## Runs the tests without I/O, in seconds
	@$(BIN)/python -m pytest -q tests/unit tests/property

check: $(READY) ## Format, lint, types and import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy src
	@$(BIN)/lint-imports --no-cache > $(VENV)/imports.log 2>&1 || { cat $(VENV)/imports.log; exit 1; }
	@tail -n 2 $(VENV)/imports.log

format: $(READY) ## Formats the code and mends what the linter can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: ## Writes requirements/ anew from pyproject.toml; needs uv
	@for set in run dev; do \
	  uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras \
	    --custom-compile-command "make lock" --extra postgres --extra policy --extra notify \
	    $$([ $$set = dev ] && echo --extra pdf --extra traces --group dev) \
	    pyproject.toml -o requirements/$$set.txt; done

bench: $(READY) ## Runs the benchmarks; minutes, and the machine should do nothing else
	@for name in intake pipeline engine memory failover pages; do echo "== $$name"; $(BIN)/python bench/$$name.py --json || exit 1; done
	@echo "== diagnosis"; $(BIN)/python bench/diagnosis --json --scale

pictures: $(READY) ## Takes the pictures of the documents anew from a running service; needs Chromium
	@$(BIN)/python -m tests.browser.pictures

clean: ## Takes away .venv and what the tools left; caches outside the tree stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
