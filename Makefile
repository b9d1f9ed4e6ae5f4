# `make run` for a first look, `make test` before a commit, `make serve` for production.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONTACTS ?= 1000

.PHONY: install run serve test check torture demo bench lock

install: $(VENV)/installed

$(VENV)/installed: requirements.txt
	@command -v $(PYTHON) >/dev/null || \
		{ echo "There is no $(PYTHON); name another: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else \
		"The contacts service needs Python 3.11 or newer; this is %d.%d. Name another: " \
		"make PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@

$(VENV)/installed-bench: requirements-bench.txt $(VENV)/installed-dev
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	touch $@

# Serves on this machine with a key of its own, and shows how to use it.
run: $(VENV)/installed
	@export CONTACTS_LOG_FORMAT=$${CONTACTS_LOG_FORMAT:-text}; exec $(BIN)/flask serve --local

# Migrates and serves; makes no key.
serve: $(VENV)/installed
	@exec $(BIN)/flask serve

# On SQLite, then what needs a database again on PostgreSQL, where its programs are installed.
test: $(VENV)/installed-dev
	@echo "The whole suite but the slow tests, on SQLite and then on PostgreSQL where it is installed:"
	@echo "some five minutes on two cores."
	$(BIN)/pytest -n auto -m "not slow"
	$(BIN)/pytest -n auto -m "not slow" --database postgresql

check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(MAKE) test

# The slow tests, five times as long: kills, fills and locks the service for real.
torture: $(VENV)/installed-dev
	TORTURE=5 $(BIN)/pytest -m slow

# Fills the directory with made-up people: make demo CONTACTS=82171
demo: $(VENV)/installed-dev
	@$(BIN)/flask demo --contacts $(CONTACTS)

# Measures the service beside others and draws the pictures of the README: about six minutes.
bench: $(VENV)/installed-bench
	@$(BIN)/python -m bench

# Pins the newest releases of everything, with hashes.
lock:
	uv pip compile --universal --generate-hashes --no-annotate --no-header --upgrade pyproject.toml -o requirements.txt
	uv pip compile --universal --generate-hashes --no-annotate --no-header --upgrade --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	uv pip compile --universal --generate-hashes --no-annotate --no-header --upgrade --extra bench -c requirements-dev.txt pyproject.toml -o requirements-bench.txt
