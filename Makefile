# Everything that is done to this code by hand or by machine. A machine needs
# Go, git and make; other tools are built once into a cache outside the
# checkout (test/harness/toolbox).

VERSION ?= $(shell hack/version.sh)
LDFLAGS := -s -w -X main.version=$(VERSION)

# Arguments for the targets that take some, such as TESTFLAGS='-run Drill'.
TESTFLAGS ?=
PACKAGES  ?= ./...
FUZZTIME  ?= 30s
BENCHARGS ?=
RECORD    ?=
DATA      ?=
KEEP      ?=
EVIDENCE  ?=
ALL       ?=

TOOLBOX := go run ./test/harness/cmd/toolbox
# $(call tool,NAME) sets $tool in a recipe's line, and ends it if that fails.
tool = tool=$$($(TOOLBOX) -path $(1)) && "$$tool"

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the operator, the mover and the kubectl plugin into bin/
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/manager ./cmd/mover ./cmd/kubectl-rempart

.PHONY: generate
generate: ## Write all generated code and manifests
	@$(call tool,controller-gen) object paths=./api/...
	@$(call tool,controller-gen) crd paths=./api/... output:crd:dir=config/crd/bases
	@if [ -d controllers ]; then \
		$(call tool,controller-gen) rbac:roleName=rempart-manager paths=./controllers/... output:rbac:dir=config/rbac; \
	fi
	@if [ -x hack/sync-chart.sh ]; then hack/sync-chart.sh; fi

.PHONY: lint
lint: ## Run the linters, those for the API included
	@$(call tool,golangci-lint) run ./...

.PHONY: verify
verify: generate lint ## Generate, lint, and fail if anything is left uncommitted
	@if [ -n "$$(git status --porcelain)" ]; then \
		git --no-pager diff; git status --short; \
		echo 'verify: the tree is not clean; commit what is listed above'; exit 1; \
	fi

.PHONY: tools
tools: ## Build the tools that the tests need, where the cache lacks them
	@$(TOOLBOX) prepare

.PHONY: test
test: tools ## Run all tests (TESTFLAGS='-run Name', PACKAGES=./internal/...)
	@$(call tool,gotestsum) --format pkgname --format-hide-empty-pkg -- -p 2 -timeout 45m $(TESTFLAGS) $(PACKAGES)

.PHONY: test-race
test-race: ## Run the tests that need no cluster with the race detector (needs a C compiler)
	@$(call tool,gotestsum) --format pkgname --format-hide-empty-pkg -- -race -p 2 -timeout 20m $(TESTFLAGS) ./api/... ./internal/... ./test/emulator/...

.PHONY: chaos
chaos: tools ## Kill the operator at every single write of the main job (about 15 minutes)
	@$(call tool,gotestsum) --format testname -- -timeout 2h -run '^TestKilled' ./test/integration -args -crash.step=1 -crash.offset=1

.PHONY: test-peers
test-peers: ## Hold the driver against servers that take minutes to build (RECORD=1 to record what they do)
	REMPART_TEST_PEERS=1 go test -count=1 -timeout 40m -v -run 'TestConformanceOfMinIO' ./internal/provider/s3 $(if $(RECORD),-record)

.PHONY: test-live
test-live: ## Hold the drivers against accounts of yours (docs/providers.md, ovhcloud.md and outscale.md say how)
	go test -count=1 -timeout 40m -v -run 'TestConformanceOfALiveAccount' ./internal/provider/s3 ./internal/provider/ovh ./internal/provider/outscale

.PHONY: stores-table
stores-table: tools ## Write the table of stores in docs/providers.md
	go test -count=1 -run 'TestTheTableOfStoresSaysWhat' ./internal/provider/s3 -record

.PHONY: catalogue-page
catalogue-page: ## Write the facts of the catalogue into docs/catalogue.md
	go test -count=1 -run 'TestThePageSaysWhatTheCatalogueHas' ./internal/catalogue -record

.PHONY: seal-page
seal-page: ## Write the criteria of the sovereignty framework into docs/seal.md
	go test -count=1 -run 'TestThePageSaysWhatTheCalculatorHas' ./internal/seal -record

.PHONY: nodes-page
nodes-page: ## Write the table of Nodes in docs/nodes.md
	go test -count=1 -run 'TestThePageSaysWhereNodesAreFoundToStand' ./internal/nodeplace -record

.PHONY: fuzz
fuzz: ## Run every fuzz test for FUZZTIME each
	@grep -rl --include='*_test.go' '^func Fuzz' . | while read -r file; do \
		for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$$file"); do \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$(dirname "$$file")" </dev/null || exit 1; \
		done; \
	done

.PHONY: mutants
mutants: ## Break every rule of placement once, and see that a test notices (ALL=1: every condition of each)
	go run ./test/mutants $(if $(ALL),-all -within 2h)

.PHONY: bench
bench: ## Measure placement and admission beside simpler ways (BENCHARGS='-help')
	go run ./test/bench $(BENCHARGS)

.PHONY: bench-mover
bench-mover: ## Measure the mover beside rclone, mc and bare loops (about 20 minutes; BENCHARGS='-quick')
	go run ./test/bench/mover $(BENCHARGS)

.PHONY: demo
demo: ## Show Rempart at work on this machine (DATA=folder to protect, KEEP=1 to leave it running, EVIDENCE=folder to leave that in)
	@echo 'building the demo …'
	@go build -o bin/demo ./test/demo
	@bin/demo $(if $(DATA),-data '$(DATA)') $(if $(KEEP),-keep) $(if $(EVIDENCE),-evidence '$(EVIDENCE)')

.PHONY: clean
clean: ## Remove what was built in the checkout; built tools stay in their cache
	rm -rf bin dist
