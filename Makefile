# hepad: `make` alone lists what there is.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help train test thorough bench lint types format wheel site tutorials pretrained data schema lowest lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

define new_venv
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'hepad needs Python 3.11 or newer; try: make PYTHON=python3.11 …' >&2; exit 2; }
test -x $(PY) || $(PYTHON) -m venv $(VENV)
endef

$(VENV)/.base: pyproject.toml constraints.txt
	$(new_venv)
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt
	$(new_venv)
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(VENV)/.base $@

train: $(VENV)/.base  ## train the default autoencoder on the bundled jets (ARGS='model=… loss=…')
	$(PY) -m hepad.train $(ARGS)

test: $(VENV)/.dev  ## run the tests on all cores (ARGS='-k roc')
	$(PY) -m pytest -n auto --dist loadfile $(ARGS)

thorough: $(VENV)/.dev  ## run every test, those too that repeat others with other models, data or settings
	$(PY) -m pytest -n auto --dist loadfile --thorough $(ARGS)

bench: $(VENV)/.dev  ## measure speed side by side (ARGS='--device cuda --only training')
	$(PY) -m scripts.bench $(ARGS)

lint: $(VENV)/.dev  ## check style and formatting
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/.dev  ## check types, strictly
	$(VENV)/bin/mypy

format: $(VENV)/.dev  ## format the code and mend what ruff can
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

lowest: $(VENV)/.dev  ## train and test the core with the lowest versions that pyproject.toml allows
	$(PY) -m pip install --quiet --disable-pip-version-check uv
	$(PY) scripts/lowest.py $(ARGS)

wheel: $(VENV)/.dev  ## build dist/hepad-*.whl
	$(PY) -m build --wheel

site: $(VENV)/.dev  ## build build/site/index.html: the documentation, every config key, the Python reference
	$(PY) -m scripts.site

tutorials: $(VENV)/.dev  ## run the notebooks of docs/tutorials and keep what they show (ARGS='first_run')
	$(PY) -m scripts.tutorials $(ARGS)

pretrained: $(VENV)/.dev  ## train, pack and check the scorers of hepad-models/ (ARGS='gmm/dijets')
	$(PY) -m scripts.pretrained $(ARGS)

data: $(VENV)/.dev  ## simulate the bundled data set again (slow)
	$(PY) scripts/build_bundled_data.py

schema: $(VENV)/.base  ## write configs/schema/*.json from the table of keys
	$(PY) scripts/write_schemas.py

lock: $(VENV)/.dev  ## write constraints.txt from what is installed in .venv
	$(PY) scripts/lock.py > constraints.tmp && mv constraints.tmp constraints.txt

clean:  ## remove the environment and build products; runs under outputs/ stay
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
