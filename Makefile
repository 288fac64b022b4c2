# Two commands on a fresh machine: `make search` and `make test`. `make docs SITE=site` makes pages of the guides.
PYTHON ?= python3
BIN := .venv/bin
WORKERS := -n auto --dist loadfile
READY := .venv/.installed
WHOLE := .venv/.whole
TYPES := .venv/types
PARTS := cli.py commands layers discover catalog decompositions bilinear/__init__.py bilinear/py.typed

SITE := site

.PHONY: search test test-all gate docs

search: $(READY)
	$(BIN)/bilinear search 2x2x2 --rank 7 --solver ternary-sgd --seed 0 --export-layer out/strassen-layer

test: gate
	$(BIN)/pytest $(WORKERS)

test-all: gate $(WHOLE)
	$(BIN)/pytest $(WORKERS) -m 'slow or not slow'

docs: $(WHOLE)
	$(BIN)/python -m sphinx -W --keep-going -q -d build/guides docs $(SITE)/guides
	@echo $(SITE)/guides/index.html

gate: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	MYPYPATH=$(TYPES) $(BIN)/mypy -p bilinear

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch -e '.[test]'
	mkdir -p $(TYPES)/bilinear
	ln -sfn $(addprefix $(CURDIR)/,$(PARTS)) $(TYPES)/bilinear/  # the package as a wheel has it, for mypy
	touch $(READY)

$(WHOLE): $(READY)  # what the guides' site and the tests of other people's models need besides
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs,models,test]'
	touch $(WHOLE)
