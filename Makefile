# The two commands of the README are `make run` and `make test`; `make setup` stands behind both.
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.tamis-setup
PAGES := $(VENV)/.tamis-pages
FRONTEND := $(shell find frontend -name node_modules -prune -o -type f -print 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help setup web run test docs schema step clean

help:
	@echo "make setup                 make .venv with the tamis command and the tools of the tests"
	@echo "make web                   build the review app's pages anew (Node 20.19 or newer)"
	@echo "make run                   run the recipe recipes/customer-intents"
	@echo "make test                  lint, types, import floors, and every test"
	@echo "make docs                  build the documentation into site/"
	@echo "make schema                write recipe.schema.json, docs/cli.md and frontend/openapi.json anew"
	@echo "make step NAME=filter.x    begin a step: its file and its test"

setup: $(STAMP) $(if $(FRONTEND),$(PAGES))
	@:

# The stamp makes later calls free until pyproject.toml changes or the folder is moved (its content is the place).
# PYTHON=… chooses another interpreter.
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(STAMP)
endif
$(STAMP): pyproject.toml scripts/setup.sh
	@bash scripts/setup.sh $(VENV) $(PYTHON)
	@echo "$(CURDIR)" > $(STAMP)

# The pages are built again when anything in frontend/ changes, or when they are gone.
ifeq ($(wildcard src/tamis/web/static/index.html)$(shell cat $(PAGES) 2>/dev/null),)
.PHONY: $(PAGES)
endif
$(PAGES): $(FRONTEND) scripts/pages.sh | $(STAMP)
	@bash scripts/pages.sh maybe
	@if [ -f src/tamis/web/static/index.html ]; then : > $@; else echo none > $@; fi

web:
	@bash scripts/pages.sh build

run: setup
	@$(BIN)/tamis run recipes/customer-intents/recipe.yaml

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@bash scripts/pages.sh check
	$(BIN)/pytest -n auto --dist loadfile

docs: setup
	$(BIN)/python scripts/build_docs.py

schema: setup
	$(BIN)/python scripts/write_schema.py
	$(BIN)/python scripts/write_cli_reference.py
	$(BIN)/python scripts/write_openapi.py

step: setup
	@$(BIN)/python scripts/new_step.py "$(NAME)"

clean:
	rm -rf site build .pytest_cache .mypy_cache .ruff_cache .hypothesis
