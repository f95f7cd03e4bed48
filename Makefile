# Everything one can do here; `make` alone lists it. Needs Python >= 3.11 and make, nothing else.

PYTHON ?= python3
TESTS ?=
BENCHMARKS ?=
HISTORIES ?= 2000
SEED ?= 0
TORTURE ?=
SCREENSHOTS ?= screenshots

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet

# Compiled modules are kept, whatever the environment says: tests start many processes that import the same ones.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check histories bench torture screenshots pictures format pins clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/run.stamp ## start Showup on http://127.0.0.1:8000 with a database of its own
	@exec $(BIN)/showup serve

test: .venv/check.stamp .venv/browser.stamp ## run the whole suite; TESTS="tests/test_settings.py -n0" runs a part of it
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --durations 10 $(TESTS)

check: .venv/check.stamp ## format, lint, security, types, import contracts, drift of migrations and OpenAPI, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive src
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/showup openapi --check docs/openapi.json
	$(BIN)/python -m pytest -q tests/test_docs.py tests/test_glossary.py tests/test_architecture.py \
		tests/database/test_migrate.py

histories: .venv/check.stamp ## replay HISTORIES=2000 generated histories in any order, from SEED=0, and compare them with the model
	@echo "Checking $(HISTORIES) generated histories, seed $(SEED)"
	@HISTORIES=$(HISTORIES) $(BIN)/python -m pytest -n0 -q --timeout 0 --hypothesis-seed=$(SEED) \
		--hypothesis-show-statistics tests/histories tests/model

bench: .venv/check.stamp ## run the benchmarks; BENCHMARKS="--quick" runs the small sizes
	@$(BIN)/python -m benchmarks $(BENCHMARKS)

torture: .venv/check.stamp .venv/torture.stamp .venv/prefect/installed.stamp ## kill processes under load and check the data; TORTURE="r1 --rounds 100" selects the test and the rounds
	@$(BIN)/python -m tests.torture $(TORTURE)

screenshots: .venv/check.stamp .venv/browser.stamp ## make a picture of each page, wide and on a phone, light and dark, in SCREENSHOTS=screenshots
	@$(BIN)/python -m tests.web.dashboard.screenshots $(SCREENSHOTS)

pictures: .venv/check.stamp .venv/browser.stamp ## take the pictures of the README anew
	@$(BIN)/python -m tests.web.dashboard.screenshots docs/pictures --readme

format: .venv/check.stamp ## format the code, and mend what the linter can mend
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

pins: .venv/check.stamp ## pin the requirements of pyproject.toml anew, with hashes
	@$(BIN)/uv pip compile pyproject.toml $(PIN) --group build -o requirements/run.txt
	@$(BIN)/uv pip compile pyproject.toml $(PIN) --extra otel --group build --group check -c requirements/run.txt \
		-o requirements/check.txt
	@$(BIN)/uv pip compile $(PIN) --group torture -o requirements/torture.txt
	@$(BIN)/uv pip compile $(PIN) --group prefect -o requirements/prefect.txt

clean: ## remove what these targets made
	rm -rf .venv build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage*
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# Half of a test's time it waits, for PostgreSQL or a far side.
WORKERS = $(shell $(BIN)/python -c "import os; print(min(8, 2 * (os.cpu_count() or 1)))")

# The pins name no index and no machine, and hold for every platform and Python that we support.
PIN := --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --upgrade --quiet

# A stamp is newer than what it was made from, so a second run installs nothing.
# The project itself is built by the pinned setuptools: isolation would fetch another one, with no hash.
.venv/%.stamp: requirements/%.txt pyproject.toml | .venv/bin/python
	@echo "Installing requirements/$*.txt into .venv …"
	@$(PIP) --no-deps --require-hashes --requirement $<
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# Prefect's dependencies are not ours, so its server has an environment of its own.
.venv/prefect/installed.stamp: requirements/prefect.txt | .venv/bin/python
	@echo "Installing requirements/prefect.txt into .venv/prefect …"
	@$(BIN)/python -m venv .venv/prefect
	@.venv/prefect/bin/python -m pip install --disable-pip-version-check --quiet --no-deps --require-hashes \
		--requirement $<
	@touch $@

# The pages are tested in Debian's Chromium, or whichever the machine has.
.venv/browser.stamp: | .venv/bin/python
	@command -v chromium || command -v chromium-browser || command -v google-chrome || { $(INSTALL_BROWSER); }
	@touch $@

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Showup needs Python 3.11 or newer, but \`$(PYTHON)\` is: $$($(PYTHON) --version 2>&1 || true)." >&2; \
		echo "Install a newer one and name it: make PYTHON=python3.13 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { $(INSTALL_VENV); }
	@rm -f .venv/*.stamp
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

define INSTALL_BROWSER
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing chromium, in which the pages are tested …"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; \
	else \
		echo "The tests of the pages need Chromium. On Debian or Ubuntu: sudo apt-get install chromium" >&2; \
		exit 1; \
	fi
endef

# Debian keeps Python's venv in a package of its own.
define INSTALL_VENV
	package=$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing $$package, which this Python lacks …"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$package; \
	else \
		echo "This Python can't make virtual environments. On Debian or Ubuntu: sudo apt-get install $$package" >&2; \
		exit 1; \
	fi
endef
