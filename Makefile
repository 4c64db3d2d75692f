# Everything a person or CI does here is one of these targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

TOOLS := $(CURDIR)/.tools
SAM := $(TOOLS)/sam/bin
# Not ./...: node_modules may hold Go, too.
PACKAGES := ./functions/... ./infra/... ./pkg/...
SAM_VERSION := 1.170.0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
PORT ?= 3001
ARGS ?=
FUZZTIME ?= 2s
DURATION ?= 30s
SEED ?= 1
TASKS ?= 20000

export SAM_CLI_TELEMETRY := 0
# sam validate wants a region, and nothing else of an account.
export AWS_DEFAULT_REGION ?= us-east-1

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

## --- run

.PHONY: local
local: ## run the whole system on this machine and print its URL (PORT=3001, ARGS=...)
	@$(MAKE) -j2 frontend/dist/index.html runtime
	exec .local/bin/local --port $(PORT) --static-dir frontend/dist $(ARGS)

# With the flags of the functions' own builds, so that what they share is compiled once.
.PHONY: runtime
runtime:
	CGO_ENABLED=0 go build -trimpath -o .local/bin/local ./infra/local

frontend/node_modules/.package-lock.json: frontend/package.json frontend/package-lock.json
	npm --prefix frontend ci --no-audit --no-fund
	@touch $@

frontend/dist/index.html: frontend/node_modules/.package-lock.json $(shell find frontend/src frontend/index.html frontend/public -type f 2>/dev/null)
	npm --prefix frontend run build

.PHONY: localstack
localstack: frontend/dist/index.html runtime ## the same, with DynamoDB and SQS in LocalStack (needs Docker)
	docker compose -f infra/localstack/compose.yaml up -d --wait
	exec .local/bin/local --port $(PORT) --static-dir frontend/dist --endpoint-url http://127.0.0.1:4566 $(ARGS)

.PHONY: tasks
tasks: ## list, show, revoke and redrive background tasks (ARGS="list failure"; AWS_ENDPOINT_URL for the local runtime)
	@go run ./infra/tasks $(ARGS)

## --- check

.PHONY: test
test: setup lint test-go test-references test-fuzz test-chaos test-template test-package test-boto3 test-frontend test-browser ## all tests and checks, installing what they need

.PHONY: setup
setup: $(TOOLS)/sam/.version frontend/node_modules/.package-lock.json ## install the tools of the tests (Python venv for SAM, Chromium)
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || infra/ci/apt-install chromium

$(TOOLS)/sam/.version: Makefile
	@python3 -c 'import venv, ensurepip' 2>/dev/null || infra/ci/apt-install python3 python3-venv
	python3 -m venv $(TOOLS)/sam
	$(SAM)/pip install --quiet --disable-pip-version-check aws-sam-cli==$(SAM_VERSION)
	@touch $@

.PHONY: lint
lint: ## gofmt, go vet, staticcheck, go mod tidy, govulncheck
	@out=$$(gofmt -l functions infra pkg); [ -z "$$out" ] || { echo "gofmt -w these:"; echo "$$out"; exit 1; }
	go vet $(PACKAGES)
	go run $(STATICCHECK) $(PACKAGES)
	go mod tidy -diff
	infra/ci/govulncheck $(GOVULNCHECK) $(PACKAGES)

.PHONY: test-go
test-go: ## the Go tests, with the race detector
	go test -race $(PACKAGES)

# Nothing may be skipped here: without the servers the target fails.
.PHONY: test-references
test-references: ## the same suites on Amazon's DynamoDB Local and on ElasticMQ, and what differs from them
	infra/ci/with-references $(TOOLS)/references go test -count=1 -run 'Reference|Differential|StoreConforms' \
	  ./infra/local ./infra/local/internal/dataplane/dynamodb ./pkg/channel/dynamo

.PHONY: test-fuzz
test-fuzz: ## every fuzz target for a bounded time (FUZZTIME=2s)
	infra/ci/fuzz $(FUZZTIME) $(PACKAGES)

.PHONY: test-template
test-template: $(TOOLS)/sam/.version ## sam validate, and cfn-lint on the translated template
	$(SAM)/sam validate
	$(SAM)/sam validate --lint
	$(SAM)/python infra/ci/translate.py template.yaml $(TOOLS)/translated.json
	$(SAM)/cfn-lint --non-zero-exit-code error $(TOOLS)/translated.json

.PHONY: test-package
test-package: $(TOOLS)/sam/.version ## sam build, then each bootstrap under the emulator of sam local
	$(SAM)/sam build
	SAM_PYTHON=$(SAM)/python infra/ci/package-test

.PHONY: test-boto3
test-boto3: $(TOOLS)/sam/.version runtime ## the runtime's endpoints through boto3
	infra/ci/with-runtime --quiet --template infra/bench/echo/template.yaml --build-dir .local/echo -- $(SAM)/python infra/ci/boto3_test.py

.PHONY: test-frontend
test-frontend: frontend/node_modules/.package-lock.json ## type check, lint and unit tests of the frontend
	npm --prefix frontend run check
	npm --prefix frontend test

.PHONY: test-browser
test-browser: frontend/dist/index.html runtime ## the story of the README in a real browser
	CHROMIUM=$${CHROMIUM:-$$(command -v chromium || command -v google-chrome)} SCREENSHOTS=$${SCREENSHOTS:-$(CURDIR)/.local/screenshots} \
	  infra/ci/with-runtime --static-dir frontend/dist -- npm --prefix frontend run e2e

.PHONY: chaos
chaos: ## faults of every kind, and no message lost, doubled or out of order (DURATION=30s SEED=1)
	go run ./infra/chaos -duration $(DURATION) -seed $(SEED) $(ARGS)

.PHONY: chaos-tasks
chaos-tasks: ## the same of tasks: each is done once, nothing is lost (TASKS=20000 SEED=1)
	go run ./infra/chaos/tasks -tasks $(TASKS) -seed $(SEED) $(ARGS)

.PHONY: test-chaos
test-chaos: ## all of it, short
	$(MAKE) chaos-tasks TASKS=1000
	$(MAKE) chaos DURATION=8s SEED=1
	$(MAKE) chaos DURATION=8s SEED=2

.PHONY: bench
bench: ## measure the local runtime: echo, tasks, fan-out, idle connections
	go run ./infra/bench $(ARGS)

## --- deploy

GOARCH ?= arm64
lower = $(shell echo $(1) | tr A-Z a-z)

# sam build and the local runtime call this for each function: build-SendMessageFunction builds functions/sendmessage.
build-%Function:
	CGO_ENABLED=0 GOOS=$(or $(GOOS),linux) GOARCH=$(GOARCH) go build -buildvcs=false -trimpath -tags lambda.norpc -ldflags "-s -w" \
		-o "$(ARTIFACTS_DIR)/bootstrap" ./functions/$(call lower,$*)

.PHONY: build
build: $(TOOLS)/sam/.version ## sam build: the packages that deploy uploads
	$(SAM)/sam build

.PHONY: deploy
deploy: build ## sam deploy to your account (CONFIG=default or prod)
	$(SAM)/sam deploy --config-env $(or $(CONFIG),default)

.PHONY: clean
clean: ## remove what was built and installed
	rm -rf .aws-sam .local $(TOOLS) frontend/dist frontend/node_modules
