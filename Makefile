# Two commands matter: `make watch` and `make test`. Both install what they need.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# pip installs exactly what the lock files name, hash by hash; --no-deps, since they name everything (a resolver that
# looked again would refuse an extra such as google-auth[pyopenssl] as soon as a newer release is out).
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
CONFIG ?= config.yaml

.PHONY: help watch test soak check install install-dev format lock bench clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

watch: install  ## start the watcher on config.yaml (Ctrl-C stops everything)
	@exec $(BIN)/phasewatch --config $(CONFIG) watch

test: install-dev  ## run all tests
	@$(BIN)/python -m pytest $(ARGS)

soak: install-dev  ## kill -9 two hundred times, with a seed of the moment (SEED=... repeats one)
	@seed=$${SEED:-$$$$}; echo "seed $$seed"; PHASEWATCH_KILLS=200 PHASEWATCH_SEED=$$seed \
		$(BIN)/python -m pytest tests/scenarios/test_killed.py -n 0 --timeout 1800

check: install-dev  ## lint, format, types, import rules
	$(BIN)/python -m pip --disable-pip-version-check check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

install: $(VENV)/embedded.done  ## what `make watch` needs
install-dev: $(VENV)/dev.done   ## what `make test` and `make check` need

# pip comes last: an environment without it was interrupted while it was made, and is completed.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "phasewatch needs Python 3.11 or newer; set PYTHON=python3.x")'
	@echo "creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)

# --no-build-isolation: the build backend is locked like everything else.
$(VENV)/%.done: requirements/%.txt pyproject.toml | $(BIN)/pip
	@echo "installing requirements/$*.txt (about a minute, first time only)"
	@$(PIP) --no-deps --require-hashes -r requirements/$*.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

bench: install-dev  ## score on the labelled samples; scan against ripgrep and json + re; the check against ElastAlert 2
	$(BIN)/python bench/score.py
	$(BIN)/python bench/scan.py $(ARGS)
	$(BIN)/python bench/end_to_end.py

format: install-dev  ## rewrite the sources in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:  ## resolve the lock files anew (needs uv)
	sh requirements/lock.sh

clean:  ## remove the virtual environment and caches; var/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +
