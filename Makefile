# What CI runs, in a developer's words. `./rheostat test` prepares .venv first.
PY := .venv/bin/python
export PYTHONPATH := $(CURDIR)

.PHONY: check test lint types layers format

check: lint types layers

lint:
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types:
	$(PY) -m mypy

layers:
	.venv/bin/lint-imports

format:
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

test:
	./rheostat test
