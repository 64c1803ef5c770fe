# make setup   install what is missing: ngspice, a virtual environment in .venv/, the SKY130 device models
# make demo    the whole loop on a few samples: characterise, fit, train, map, emulate, validate
# make test    lint and the whole test suite; installs Chromium for the tests of the report page where it can
# make test-torch   the tests of emulators on torch tensors, where torch is installed (pip install torch)
# make lint    ruff (rules and format), basedpyright and the contracts of imports alone
# make figures the pictures of docs/ anew, by the commands that the pages name (about an hour)
# make docs    the site: these pages, a Python reference and a search over both, in site/; warnings are errors
# make lock    requirements.lock anew: the newest packages within pyproject's bounds, which make setup then installs
# make clean   remove .venv/ and what tools left behind; the device models stay in the user's cache

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
SYSTEM_PYTHON := /usr/bin/python3
APT := env DEBIAN_FRONTEND=noninteractive apt-get -qq -o=Dpkg::Use-Pty=0

# Succeeds when this Python is new enough and can make a virtual environment.
PYTHON_TEST := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
ENGINE_TEST := from cimspice.spice.library import find_executable, find_library; find_executable(); find_library()
SEARCH = from cimspice.spice import library; library.$$search()
FIND_PYTHON = for name in python3 python3.11 python3.12 python3.13 python3.14 $(SYSTEM_PYTHON); do \
	if "$$name" -c '$(PYTHON_TEST)' >/dev/null 2>&1; then echo "$$name"; break; fi; done

# $(call apt-install,packages): with apt-get, as root or through sudo; says so where that cannot be done.
apt-install = if ! command -v apt-get >/dev/null 2>&1; then false; \
	elif [ "$$(id -u)" = 0 ]; then echo "setup: apt-get install $(1)"; $(APT) update && $(APT) install -y $(1) >/dev/null; \
	elif command -v sudo >/dev/null 2>&1; then echo "setup: sudo apt-get install $(1) (may ask for your password)"; \
	sudo $(APT) update && sudo $(APT) install -y $(1) >/dev/null; \
	else echo "setup: apt-get needs root and sudo is not here; as root run: apt-get install $(1)" >&2; false; fi

.PHONY: help setup python-packages engine models browser demo test test-torch lint lock docs figures clean
.NOTPARALLEL:

help:
	@sed -n 's/^# //p' Makefile | head -9

setup: python-packages engine models
	@echo "setup: ready (check with $(BIN)/cimspice doctor)"

python-packages: $(VENV)/.installed

# What was tested, by hash; where it does not fit this Python or machine, the newest within the bounds of pyproject.toml.
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --root-user-action=ignore
LOCKED := $(PIP) --require-hashes --only-binary :all: -r requirements.lock

$(VENV)/.installed: pyproject.toml requirements.lock
	@rm -f $@; python=$$($(FIND_PYTHON)); \
	if [ -z "$$python" ]; then $(call apt-install,python3 python3-venv); python=$$($(FIND_PYTHON)); fi; \
	if [ -z "$$python" ]; then \
		echo "setup: Python 3.11 or newer with its venv module is needed." >&2; \
		echo "  Debian, Ubuntu: apt-get install python3 python3-venv   macOS: brew install python" >&2; \
		echo "  elsewhere: your package manager, https://www.python.org/downloads, or pyenv" >&2; exit 1; fi; \
	if ! $(BIN)/python -c '$(PYTHON_TEST)' >/dev/null 2>&1 || ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
		echo "setup: virtual environment in $(VENV)/ with $$("$$python" --version)"; \
		rm -rf $(VENV) && "$$python" -m venv $(VENV) || exit 1; fi; \
	echo "setup: Python packages into $(VENV)/ (some minutes the first time)"; \
	if $(LOCKED) 2>$(VENV)/.pip; then $(PIP) --no-deps --no-build-isolation -e . || exit 1; \
	elif grep -q 'DO NOT MATCH' $(VENV)/.pip; then cat $(VENV)/.pip >&2; exit 1; \
	else echo "setup: requirements.lock does not fit $$($(BIN)/python --version) here; the newest packages instead" \
		"($$(grep ERROR $(VENV)/.pip | head -n 1))"; $(PIP) -e '.[dev]' || exit 1; fi
	@touch $@

lock: python-packages
	@$(PIP) uv; $(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-annotate --no-header --no-emit-index-url -q -o requirements.lock

engine: python-packages
	@$(BIN)/python -c '$(ENGINE_TEST)' >/dev/null 2>&1 || { $(call apt-install,ngspice libngspice0); } || { \
		echo "setup: ngspice (the program and its shared library) is needed and could not be installed by itself." >&2; \
		echo "  Debian, Ubuntu: apt-get install ngspice libngspice0   macOS: brew install ngspice libngspice" >&2; \
		echo "  Fedora: dnf install ngspice libngspice   Arch: pacman -S ngspice" >&2; \
		echo "  What is missing, and where it is looked for:" >&2; \
		for search in find_executable find_library; do $(BIN)/python -c "$(SEARCH)" 2>&1 | tail -n 3 >&2; done; exit 1; }
	@$(BIN)/python -c '$(ENGINE_TEST)'

models: python-packages
	@$(BIN)/cimspice pdk show >/dev/null 2>&1 || { echo "setup: SKY130 device models"; $(BIN)/cimspice pdk install; }

demo: setup
	@$(BIN)/cimspice demo neuron

figures: setup
	@$(BIN)/python docs/images/renew.py

docs: python-packages
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "docs: site/index.html; with the search: $(BIN)/python -m http.server -d site"

lint: python-packages
	@echo "lint: ruff check"; $(BIN)/ruff check --quiet .
	@echo "lint: ruff format --check"; $(BIN)/ruff format --quiet --check .
	@echo "lint: basedpyright"; $(BIN)/basedpyright
	@echo "lint: import contracts"; found=$$($(BIN)/lint-imports --no-logo --no-cache) || { echo "$$found"; exit 1; }

# Chromium and a font for the tests of the report page; without them those tests are skipped and say why.
BROWSER_TEST := import sys; sys.path[0] = "tests/report"; from browser import find_chromium; sys.exit(find_chromium() is None)
browser: python-packages
	@$(BIN)/python -c '$(BROWSER_TEST)' || { $(call apt-install,chromium fonts-dejavu-core); } || \
		echo "test: no Chromium, so the tests of the report page in a browser are skipped" >&2

test: setup browser lint
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

test-torch: python-packages
	@$(BIN)/python -c 'import torch' 2>/dev/null || { echo "test-torch: torch is not installed: pip install torch" >&2; exit 1; }
	@$(BIN)/python -m pytest tests/*/test_*_torch.py

clean:
	@rm -rf $(VENV) build dist site *.egg-info .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "clean: removed; the device models stay in the user's cache (CIMSPICE_CACHE or ~/.cache/cimspice)"
