# `make test` and `make demo` need nothing but Python 3.11 or newer: they set up .venv the first time.
PYTHON ?= python3
WORKERS ?= 2
# Where make demo-site puts its site, and the port that it listens to.
SITE ?= runs/demo-site
PORT ?= 8000
# CPU builds of torch; PyPI's own Linux build brings CUDA along. Set it empty for a build with CUDA.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

BIN := .venv/bin
READY := .venv/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check
SOURCES := $(wildcard src tests scripts bench examples)

.PHONY: help setup test lint types unit format demo demo-site bench vendor clean

help:
	@echo "make demo    the main job on virtual patients: simulate, prompt, predict, evaluate, report"
	@echo "make demo-site  a challenge's site with three teams in it, on this machine"
	@echo "make test    format, lint, types and tests"
	@echo "make format  put the code into the project's format"
	@echo "make bench   the figures of docs/benchmarks.md (long)"
	@echo "make vendor  fetch what pages need of JavaScript packages (scripts/vendor_assets.py)"
	@echo "make clean   remove .venv and caches"

setup: $(READY)

# torch comes first and alone, so that no other package's requirement picks a build with CUDA; what it needs comes
# with the rest, from PyPI. nnU-Net comes without what it needs: --compat is held against its evaluation alone, and the
# rest of it would bring torchvision, hence another torch.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "unicare needs Python 3.11 or newer; found $$($(PYTHON) --version); run make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(PIP) install --retries 1 --no-deps -c constraints.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch
	$(PIP) install -c constraints.txt -e '.[test]'
	$(PIP) install --no-deps -c constraints.txt nnunetv2 batchgenerators
	@touch $@

test: lint types unit

lint: $(READY)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)

types: $(READY)
	$(BIN)/mypy

# One thread each: the workers fill the cores by themselves.
unit: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n $(WORKERS)

format: $(READY)
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

demo: $(READY)
	$(BIN)/unicare demo

# One thread each: its workers are processes.
demo-site: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python examples/challenges/virtual/demo_site.py $(SITE) --port $(PORT)

bench: $(READY)
	$(PIP) install -c constraints.txt -e '.[bench]'
	$(BIN)/python bench/real_zero.py
	$(BIN)/python bench/speed.py
	$(BIN)/python bench/cost.py
	$(BIN)/python bench/metrics.py
	$(BIN)/python bench/ranking.py
	$(BIN)/python bench/report.py

vendor: $(READY)
	$(BIN)/python scripts/vendor_assets.py

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis src/*.egg-info
