# Legato's commands. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin
# Names of scenarios, benchmarks or options to hand on: make e2e ARGS="-k resume"
ARGS ?=

.PHONY: help up images kind conformance clean test check unit e2e soak cluster cluster-machines cluster-up cluster-down stress bench mutation docs format lock setup

##@ To use Legato

help: ## list these commands
	@awk -F':.*## ' '/^##@ /{printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## /{printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## run the whole platform on this machine (ARGS are options of `legato up`)
	@tools/setup up
	@exec $(BIN)/legato up $(ARGS)

images: setup ## build the image for tests without an engine (ARGS: components), and say where it is
	@$(BIN)/python tools/images.py $(ARGS)

kind: ## with Docker, kind, kubectl and helm: a cluster of its own with a bot for trying (not run by the tests)
	@kind get clusters | grep -qx legato || kind create cluster --config e2e/kind.yaml
	@docker build --file images/legato/Dockerfile --tag legato:test .
	@kind load docker-image legato:test --name legato
	@kubectl --context kind-legato create namespace music --dry-run=client -o yaml | kubectl --context kind-legato apply -f -
	@helm --kube-context kind-legato upgrade --install legato charts/legato -n music -f e2e/try-values.yaml
	@kubectl --context kind-legato -n music apply -f e2e/servers.yaml -f e2e/try.yaml
	@kubectl --context kind-legato -n music wait --timeout=5m --for=condition=Ready lavalinknode/berlin musicbot/melody
	@echo "kubectl --context kind-legato -n music port-forward deployment/legato-simulator 8123   # then open http://localhost:8123"

conformance: setup ## what a Lavalink server lacks (LAVALINK_URL, LAVALINK_PASSWORD; else the embedded node)
	@$(BIN)/pytest e2e/conformance --junit-xml=artifacts/conformance.xml $(ARGS)

clean: ## remove the environment and caches of this checkout
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache artifacts
	@find . -name __pycache__ -prune -exec rm -rf {} +

##@ To work on it

test: ## set up, check, then every test, with a table of times
	@tools/setup dev
	@$(BIN)/python tools/run_tests.py

check: setup ## format, lint, types, import contracts, generated files current
	@$(BIN)/ruff format --check --quiet . || { echo "run: make format"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo > .venv/lint-imports.txt || { cat .venv/lint-imports.txt; exit 1; }
	@$(BIN)/python tools/generated.py --check

unit: setup ## the unit and contract tests
	@$(BIN)/pytest tests $(ARGS)

e2e: setup ## the one-machine scenarios
	@$(BIN)/pytest e2e --ignore=e2e/cluster $(ARGS)

soak: setup ## the scenarios with real durations where they otherwise shorten them: hours
	@found=$$(grep -l LEGATO_SOAK e2e/test_*.py) || { echo "No scenario shortens a duration."; exit 1; }; \
	LEGATO_SOAK=1 $(BIN)/pytest $$found tests/services/test_protocol.py $(ARGS)

cluster: setup ## the tests on a real Kubernetes control plane, built here at the first run
	@$(BIN)/python -m legato_cluster build
	@$(BIN)/pytest e2e/cluster --ignore=e2e/cluster/machines $(ARGS)

cluster-machines: setup ## the tests on a Kubernetes with machines, as root on Linux
	@$(BIN)/python -m legato_cluster build
	@$(BIN)/python -m legato_cluster image
	@$(BIN)/pytest e2e/cluster/machines $(ARGS)

cluster-up: setup ## start a Kubernetes control plane here that stays, with NODES=2 also machines (root)
	@$(BIN)/python -m legato_cluster up $(NODES)

cluster-down: setup ## end it
	@$(BIN)/python -m legato_cluster down

stress: setup ## 10,000 commands while process after process is killed; 6 minutes on two free cores
	@$(BIN)/pytest e2e -m stress $(ARGS)

bench: setup ## measure, and write benchmarks/RESULTS.md
	@$(BIN)/python -m benchmarks $(ARGS)

mutation: setup ## break each rule of ownership in a copy: a test must notice (ARGS: names of rules)
	@$(BIN)/python tools/mutation.py $(ARGS)

docs: setup ## write the generated pages again
	@$(BIN)/python tools/generated.py

format: setup ## bring the code into shape
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

lock: setup ## pin the dependencies anew
	@tools/lock

setup:
	@tools/setup dev
