# Two commands on a fresh machine: `make run` and `make test`. Everything else is for developers.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
SITE    = $(shell $(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")
STAMP  := $(VENV)/.installed
SOURCES = protocols actors runtime agents sims

.PHONY: run test check format dev wheel bench clean

run: $(STAMP) wheel ## install, pull the default model, run the main job
	$(BIN)/passel models pull smollm2-135m
	$(BIN)/passel run examples/hogwild.yaml

test: $(STAMP) wheel check ## install, then format, lint, types and tests on the built wheel
	$(BIN)/passel models pull smollm2-135m
	$(BIN)/pytest

check: ## format, lint and types, against the installed copy
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy -p passel
	$(BIN)/mypy tests examples benchmarks
	$(BIN)/pyright

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip "setuptools>=77" wheel
	$(BIN)/python -m pip install --quiet --no-build-isolation --constraint constraints.txt ".[llm,dev]"
	touch $@

wheel: $(STAMP) ## build the wheel and install it into the environment
	@if [ -L "$(SITE)/passel" ]; then rm "$(SITE)/passel"; fi
	rm -rf build dist
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	$(BIN)/python -m pip install --quiet --no-deps --force-reinstall dist/*.whl

dev: $(STAMP) ## import the checkout itself: edits count at once, checkers see them too
	$(BIN)/python -m pip uninstall --quiet --yes passel || true
	ln -sfn "$(CURDIR)" "$(SITE)/passel"
	printf '#!%s\nfrom passel.__main__ import main\nmain()\n' "$(CURDIR)/$(BIN)/python" > $(BIN)/passel
	chmod +x $(BIN)/passel

format: ## rewrite the sources in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
