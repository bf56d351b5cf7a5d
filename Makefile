# Everything a contributor runs. Only Python ≥ 3.11 and make are assumed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test agents check format lint types imports bench bench-litellm bench-verify bounded torture fuzz simulate month chaos \
	chaos-short chaos-plants prices clean

demo: $(STAMP)
	$(BIN)/agentspend demo

test: $(STAMP)
	$(BIN)/pytest -n 3 --dist loadfile

bounded: $(STAMP)
	$(BIN)/pytest -n 2 --dist load -m bounded

agents: $(STAMP)
	bash scripts/install_test_agents.sh --all
	$(BIN)/pytest -n 2 --dist loadfile -m long

check: format lint types imports test

format: $(STAMP)
	$(BIN)/ruff format --check .

lint: $(STAMP)
	$(BIN)/ruff check .

types: $(STAMP)
	$(BIN)/mypy

imports: $(STAMP)
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python -m tests.bench --write docs/benchmarks.md

# A million entries on the device and on the server: two minutes, four gigabytes for a while.
bench-verify: $(STAMP)
	$(BIN)/python -m tests.bench.million

bench-litellm: $(STAMP)
	$(PYTHON) -m venv .cache/litellm
	.cache/litellm/bin/pip install --quiet 'litellm[proxy]'
	$(BIN)/python -m tests.bench --write docs/benchmarks.md

torture: $(STAMP)
	$(BIN)/python -m tests.torture --cycles 500 --each 20

fuzz: $(STAMP)
	$(BIN)/python -m tests.dialects.volume --inputs 100000

month: $(STAMP)
	$(BIN)/python -m tests.simulation.month --demand 95
	$(BIN)/python -m tests.simulation.month --demand 130

simulate: month
	$(BIN)/python -m tests.simulation --runs 2000
	$(BIN)/python -m tests.simulation --mixed --runs 1000
	$(BIN)/python -m tests.simulation.team --steps 10000000 --seed 1001 --jobs 2
	$(BIN)/python -m tests.simulation.team --teams --steps 2000000 --seed 1001 --jobs 2

# One team server, eight daemons, and everything that can go wrong. chaos-short is a minute of
# it on SQLite and on PostgreSQL, side by side. chaos is ten minutes of it on each; chaos-plants proves that it
# finds the bugs of tests/chaos/planted.py.
chaos: $(STAMP)
	$(BIN)/python -m tests.chaos --seconds 600 --database both

chaos-short: $(STAMP)
	$(BIN)/python -m tests.chaos --seconds 60 --database both

chaos-plants: $(STAMP)
	$(BIN)/python -m tests.chaos --seconds 30 --plant all

prices: $(STAMP)
	$(BIN)/python scripts/compile_prices.py

clean:
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable ".[server]" --group dev
	touch $(STAMP)
