# Two commands for newcomers: `make demo` and `make test`. Both prepare .venv first and can be run again.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TORCH_INDEX ?=

.PHONY: help demo test setup check clean
help: ## Say what each command does
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## Make .venv and install Spikefront with the tested versions

$(STAMP): pyproject.toml constraints.txt scripts/setup.sh
	@PYTHON="$(PYTHON)" VENV="$(VENV)" TORCH_INDEX="$(TORCH_INDEX)" sh scripts/setup.sh
	@touch $(STAMP)

demo: setup ## Search a spiking network for the 8x8 digits: about 5 minutes on 2 cores
	@echo "demo: running examples/digits.toml (results in spikefront-home/)"
	@$(BIN)/spikefront run examples/digits.toml

test: setup ## Run the whole test suite
	@echo "test: running the whole suite"
	@$(BIN)/python -m pytest -n 2 --dist loadfile

check: setup ## Format, lint, types and import arrows
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean: ## Remove .venv and caches; campaigns stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
