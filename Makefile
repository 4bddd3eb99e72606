# Needs only make and Python 3.11 or newer: the first target makes .venv and installs from the lock.
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python -m

# Hospital networks sign with certificates of their own.
export UV_SYSTEM_CERTS := 1

.PHONY: demo test slow check fix docs bench lock wheel clean
.DEFAULT_GOAL := demo

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(RUN) pip install --quiet --disable-pip-version-check uv
	$(RUN) uv pip install --quiet --python $(BIN)/python --require-hashes --requirements requirements.lock
	$(RUN) uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

demo: .venv/ready
	$(BIN)/outcomes demo demo

test: .venv/ready
	$(RUN) pytest -n 2 --dist loadfile

slow: .venv/ready
	$(RUN) pytest -m slow

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sqlfmt --check --quiet sql
	$(RUN) mypy
	$(BIN)/outcomes docs --check

fix: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfmt --quiet sql

docs: .venv/ready
	$(BIN)/outcomes docs

bench: .venv/ready
	$(BIN)/python bench/answers.py --answers 10_000_000

lock: .venv/ready
	$(RUN) uv pip compile pyproject.toml --group dev --universal --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --quiet --output-file requirements.lock

wheel: .venv/ready
	$(RUN) uv build --wheel --no-build-isolation --quiet --python $(BIN)/python

clean:
	rm -rf .venv demo dist build
