# Set-up, checks and the main job; CONTRIBUTING.md explains them, `make help` lists them.
#
#   make run  ARGS="--port 9288"          more options for the command
#   make test ARGS="tests/wire -k json"   a part of the suite, without the coverage gate
#   make test PYTHON=python3.12 VENV=.venv312
#   make fuzz FUZZ=1000000                more malformed requests
#   make chaos KILLS=50 FAULTS=50         fewer kills, fewer faults
#   make test UV=                         pip, even where uv is installed

PYTHON ?=
VENV ?= .venv
ARGS ?=
KILLS ?= 200
FAULTS ?= 200
FUZZ ?= 100000
UV := $(shell command -v uv 2>/dev/null)

BIN := $(VENV)/bin
CANDIDATES := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python)
COVERAGE := $(if $(ARGS),,--cov)
IS_NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))

.DEFAULT_GOAL := help
.PHONY: help run test test-lowest lint format type-check docs bench fuzz chaos proto clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.for-running ## run the quickstart on the embedded server (ONCE=1: exit when its run ends)
	$(BIN)/inngest-asgi run examples.quickstart:inngest_app \
		--event shop/orders.uploaded --data @examples/data/upload.json $(ARGS)

test: lint type-check ## check everything and run the whole suite
	$(MAKE) VENV=.venv-incumbent .venv-incumbent/.with-incumbent
	$(BIN)/python -m pytest -n 2 $(COVERAGE) $(ARGS)

test-lowest: ## run the suite with the oldest supported versions of the dependencies
	$(MAKE) VENV=.venv-lowest .venv-lowest/.with-lowest
	.venv-lowest/bin/python -m pytest $(ARGS)

lint: $(VENV)/.for-testing ## check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.for-testing ## mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

type-check: $(VENV)/.for-testing ## check types, strictly
	$(BIN)/mypy

docs: $(VENV)/.for-testing ## check links and code in README and docs, and that make run prints what they show
	$(BIN)/python -m pytest -q tests/test_documents.py tests/live/test_cli_examples.py

bench: $(VENV)/.for-testing ## measure beside the incumbent SDK and bare Starlette (needs wrk)
	@command -v wrk >/dev/null || { echo "make bench needs wrk: apt-get install wrk" >&2; exit 1; }
	$(MAKE) VENV=.venv-incumbent .venv-incumbent/.with-incumbent
	$(BIN)/python -m benchmarks --incumbent .venv-incumbent/bin/python $(ARGS)

fuzz: $(VENV)/.for-fuzzing ## random programs, values and FUZZ=100000 malformed requests, by chance
	$(BIN)/python -m pytest -q tests/hardening --hypothesis-profile=fuzz
	$(BIN)/python -m tests.hardening.coverage_guided
	$(BIN)/python -m tests.hardening.flood $(FUZZ)

chaos: $(VENV)/.for-testing ## KILLS=200 of the embedded server, and FAULTS=200 around connected workers: is anything lost, or done twice?
	KILLS=$(KILLS) $(BIN)/python -m pytest -q tests/live/test_dev_server_kill.py
	FAULTS=$(FAULTS) $(BIN)/python -m pytest -q tests/live/test_connect_faults.py

proto: ## generate the code of the connect protocol from connect.proto
	$(MAKE) VENV=.venv-protoc .venv-protoc/.with-protoc
	.venv-protoc/bin/python -m grpc_tools.protoc -I . --python_out=. --pyi_out=. inngest_asgi/connect/pb/connect.proto

screenshots: $(VENV)/.for-testing ## draw the pictures of the page in docs/images anew (needs Chromium)
	$(BIN)/python -m tests.live.screenshots

clean: ## remove environments, caches and builds
	rm -rf .venv .venv-lowest .venv-incumbent .venv-protoc build dist .coverage .mypy_cache .pytest_cache .ruff_cache

# Installing happens once, and again only when pyproject.toml changes.

$(VENV)/.for-running: pyproject.toml
	@$(ENVIRONMENT)
	$(INSTALL) --editable '.[server]'
	@touch $@

$(VENV)/.for-testing: pyproject.toml
	@$(ENVIRONMENT)
	$(INSTALL) --editable '.[all]' --group dev
	@touch $@ $(VENV)/.for-running

$(VENV)/.for-fuzzing: $(VENV)/.for-testing
	@$(INSTALL) --group fuzz || echo "atheris cannot be installed here; what needs it is skipped."
	@touch $@

$(VENV)/.with-lowest: pyproject.toml
	@$(ENVIRONMENT)
	$(if $(UV),,$(BIN)/python -m pip install --quiet uv)
	$(or $(UV),$(BIN)/uv) pip install --quiet --python $(BIN)/python \
		--resolution lowest-direct --editable '.[all]' --group dev
	@touch $@

# The official SDK, which make bench measures and tests/live/test_peer_python*.py run.
$(VENV)/.with-incumbent:
	@$(ENVIRONMENT)
	$(INSTALL) 'inngest[connect]~=0.5.18' fastapi 'uvicorn[standard]'
	@touch $@

# The oldest protoc that is supported, 5.29: newer versions of protobuf run what it generates.
$(VENV)/.with-protoc:
	@$(ENVIRONMENT)
	$(INSTALL) 'grpcio-tools==1.71.2'
	@touch $@

INSTALL = $(if $(UV),$(UV) pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet)

# Without uv, pip is renewed first: it reads dependency groups from 25.1 on.
define ENVIRONMENT
python=; \
for candidate in $(CANDIDATES); do \
	if $$candidate -c '$(IS_NEW_ENOUGH)' 2>/dev/null; then python=$$candidate; break; fi; \
done; \
if [ -z "$$python" ]; then \
	echo "inngest-asgi needs Python 3.11 or newer; none of these is: $(CANDIDATES)." >&2; \
	echo "Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; \
	exit 1; \
fi; \
$(if $(UV),[ -x $(BIN)/python ] || $(UV) venv --quiet --python "$$python" $(VENV),\
	{ $(BIN)/python -m pip --version >/dev/null 2>&1 || "$$python" -m venv $(VENV); } \
	&& $(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1')
endef
