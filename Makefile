# The only entry points. `make help` lists them.
.DEFAULT_GOAL := help
# Tests start hundreds of processes: each would compile every module anew where no bytecode may be written.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help run demo screenshots live mesh test test-stores conformance lint format protos docs k8s-adapters bench chaos fuzz locks console-assets clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROTOS := $(shell find protos/heliostat -name '*.proto' | sort)
MINUTES ?= 10
COUNT ?= 100000
# Tests wait more than they work: more of them at a time than there are cores, up to what their time-outs bear.
WORKERS ?= 4
BASE ?= $(shell git describe --tags --abbrev=0 2>/dev/null || echo HEAD)

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Heliostat needs Python 3.11 or newer; say make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Setting up (once) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

run: $(VENV)/.runtime ## Start the sandbox: emulated providers, no keys, no bill
	@$(BIN)/heliostat serve --sandbox

demo: $(VENV)/.runtime ## Play the story in a minute: failures, retries, edits, the bill (SHEET=file keeps the sheet)
	@$(BIN)/python -m heliostat.demo $(if $(SHEET),--sheet $(SHEET))

live: $(VENV)/.runtime ## Start with the real providers whose keys are in the environment
	@$(BIN)/heliostat serve --live

mesh: $(VENV)/.runtime ## Start the sandbox with every service as a process of its own
	@$(BIN)/heliostat mesh

test: $(VENV)/.dev ## Set up and pass every test
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal

test-stores: $(VENV)/.dev ## Pass the tests of ledger, router and mesh on PostgreSQL and S3
	@HELIOSTAT_TEST_STORES=far $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal tests/ledger tests/router tests/mesh

conformance: $(VENV)/.dev ## Try every adapter by every rule and write the table in docs/conformance.md
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal tests/conformance --conformance-record
	@$(BIN)/python -m tests.conformance.page

lint: $(VENV)/.dev ## Check style, types and contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/buf lint
	@$(BIN)/buf format --diff --exit-code --path protos/heliostat
	@$(BIN)/buf breaking --against '.git#ref=$(BASE)'

format: $(VENV)/.dev ## Put the code into shape
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format --quiet .
	@$(BIN)/buf format --write --path protos/heliostat

protos: $(VENV)/.dev ## Generate code from the contracts
	@rm -rf protos/gen/heliostat
	@$(BIN)/python -m grpc_tools.protoc -Iprotos -Iprotos/vendor --python_out=protos/gen --pyi_out=protos/gen \
		--grpc_python_out=protos/gen $(PROTOS)
	@grep -L 'class .*Servicer' $$(find protos/gen -name '*_pb2_grpc.py') | xargs rm -f

screenshots: $(VENV)/.dev ## Make the pictures of the README anew (needs Debian's chromium)
	@$(BIN)/python -m heliostat.demo --sheet docs/images/contact_sheet.png
	@$(BIN)/python -m tests.console.screenshots docs/images

console-assets: ## Build what the console's pages load, from its sources (needs Node; nothing else does)
	@# Not `npm ci`: it wants packages of other systems in the lock, and not every registry holds those.
	@cd services/heliostat/console/assets_source && npm install --no-save --no-audit --no-fund --silent && npm run --silent build

docs: $(VENV)/.runtime ## Write the documents that are made from the code
	@$(BIN)/python -m heliostat.launch.reference example > heliostat.example.yaml.new
	@mv heliostat.example.yaml.new heliostat.example.yaml
	@for page in configuration errors telemetry rest_api money models cli; do \
		$(BIN)/python -m heliostat.launch.reference $$page > docs/$$page.md.new && \
		mv docs/$$page.md.new docs/$$page.md || exit 1; done

k8s-adapters: $(VENV)/.runtime ## Write the Kubernetes components of adapters from their settings
	@$(BIN)/python -m heliostat.launch.manifests k8s/components

bench: $(VENV)/.dev ## Measure against other gateways on this machine (about ten minutes)
	@$(BIN)/python -m benchmarks

routing-sim: $(VENV)/.dev ## Simulate an hour of outages over 50 routers and 20 targets (about three minutes)
	@$(BIN)/python -m benchmarks.routing_sim

chaos: $(VENV)/.dev ## Kill processes under load for MINUTES=10 and check every invariant (SEED=… repeats a run)
	@$(BIN)/python -m tests.chaos --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

fuzz: $(VENV)/.dev ## Send COUNT=100000 odd bodies to an edge: none may be answered 5xx (SEED=… makes others)
	@$(BIN)/python -m tests.edge.fuzzing --count $(COUNT) $(if $(SEED),--seed $(SEED))

locks: $(VENV)/.dev ## Choose versions anew and write them with their hashes
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header requirements/runtime.in -o requirements/runtime.txt
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header -c requirements/runtime.txt requirements/dev.in -o requirements/dev.txt

clean: ## Remove what was set up and what the sandbox kept
	@rm -rf $(VENV) .heliostat
