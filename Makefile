# Every verb of the house. `make` prints them; `make check` is exactly what CI runs.

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS   = -s -w -X wildfire-watch/command.version=$(VERSION)
# The packages that decide, whose tests run under the race detector too.
CORE      = ./actors/... ./protocol/... ./hardware/... ./broker/...
FUZZTIME ?= 5s
# The largest binary that is shipped, bytes.
MOST      = 26214400

# A folder beside the checkout, if there is one, with recordings of what Frigate publishes and the
# source of a Frigate stand-in: two suites need them, which a checkout alone goes without.
SHARED      ?= $(abspath ..)/shared
RECORDINGS  ?= $(SHARED)/data/frigate-recordings
FRIGATE_SRC ?= $(SHARED)/frigate

export CGO_ENABLED = 0

.DEFAULT_GOAL = help
.PHONY: help build run demo test race check format vet staticcheck fuzz bench cross mosquitto frigate recordings test-guard kernel test-kernel kills power-loss test-arm test-32 deb test-deb test-network bench-network test-browser test-prometheus test-hosts docs clean

help: ## print the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build the program for this machine into build/
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o build/wildfire-watch .

run: ## run it with the built-in defaults: embedded broker, simulator board
	$(GO) run . run

demo: ## watch a scripted fire from the first sample to the pump, about a minute
	$(GO) run . demo

test: ## run every test that needs nothing but Go
	$(GO) test ./...

race: ## run the tests of what decides under the race detector
	CGO_ENABLED=1 $(GO) test -race $(CORE)
	CGO_ENABLED=1 $(GO) test -race -run 'Scenarios|APanic' ./test

check: ## everything that CI runs, tools installed where it can
	.ci/run

format: ## say which files gofmt would change
	@out=$$(gofmt -l $$(git ls-files '*.go' 2>/dev/null || find . -name '*.go')); \
		if [ -n "$$out" ]; then echo "not formatted:"; echo "$$out"; exit 1; fi

vet: ## go vet, all build tags
	$(GO) vet ./...
	$(GO) vet -tags mosquitto,frigate,recordings,guard,faults,kernel,kernelhost,deploy,qemu,network,browser,prometheus ./...

staticcheck: ## staticcheck, the version in go.mod
	$(GO) tool staticcheck ./...
	$(GO) tool staticcheck -tags mosquitto,frigate,recordings,guard ./test ./actors/bridge
	$(GO) tool staticcheck -tags faults ./command
	$(GO) tool staticcheck -tags kernel,kernelhost ./test/kernel/... ./hardware/...
	$(GO) tool staticcheck -tags deploy ./test/deploy
	$(GO) tool staticcheck -tags qemu ./test/arm/...
	$(GO) tool staticcheck -tags network ./test/network/... ./network/...
	$(GO) tool staticcheck -tags browser ./test/browser/...
	$(GO) tool staticcheck -tags prometheus ./web/metrics

fuzz: ## run each fuzz target for FUZZTIME (5s)
	@for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			out=$$($(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x $$package 2>&1) \
				|| { echo "$$package $$target"; echo "$$out"; exit 1; }; \
			echo "$$package $$target: $$(echo "$$out" | grep -o 'execs: [0-9]*' | tail -n 1)"; \
		done; \
	done

bench: ## measure the figures that are promised
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 30m ./test/bench
	@if [ "$$(id -u)" -eq 0 ]; then $(MAKE) -s test-network | grep '^figure: '; \
		else echo "as root it prints the figures of the camera lab, too"; fi

cross: ## build for every machine it runs on and hold the size limit of 25 MB
	@set -e; for target in linux/amd64 linux/arm64 linux/arm/6 linux/arm/7; do \
		os=$${target%%/*}; rest=$${target#*/}; arch=$${rest%%/*}; arm=$${rest#$$arch}; arm=$${arm#/}; \
		out=build/wildfire-watch-$$os-$$arch$${arm:+v$$arm}; \
		GOOS=$$os GOARCH=$$arch GOARM=$$arm $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $$out .; \
		size=$$(wc -c < $$out); echo "$$out $$size bytes"; \
		if [ $$size -gt $(MOST) ]; then echo "$$out is larger than $(MOST) bytes"; exit 1; fi; \
	done

mosquitto: ## test the program against a real broker (Debian: mosquitto, mosquitto-clients)
	$(GO) test -tags mosquitto -run Mosquitto -count 1 -timeout 10m ./actors/bridge
	$(GO) test -tags mosquitto -run Mosquitto -count 1 -timeout 10m ./test

frigate: build/frigatepeer ## test the program against a Frigate stand-in, releases 0.14 and 0.16
	FRIGATE_PEER=$(CURDIR)/build/frigatepeer $(GO) test -tags mosquitto,frigate -run Frigate -count 1 -timeout 10m -v ./test

test-guard: ## let the process die in every way in every state of the pump, and 100 times at random (GUARD_KILLS)
	$(GO) test -tags guard -run 'EveryDeath|KillsAtRandom|GuardIsSmall' -count 1 -parallel 4 -timeout 10m -v ./test

.PHONY: build/frigatepeer
build/frigatepeer:
	@test -d $(FRIGATE_SRC) || { echo "no source of a Frigate stand-in in $(FRIGATE_SRC); FRIGATE_SRC names its folder"; exit 1; }
	$(GO) -C $(FRIGATE_SRC) build -buildvcs=false -o $(CURDIR)/build/frigatepeer .

recordings: ## replay what Frigate published of fires and of glare, cars, a flame
	@test -d $(RECORDINGS) || { echo "no recordings in $(RECORDINGS); RECORDINGS names their folder"; exit 1; }
	RECORDINGS=$(abspath $(RECORDINGS)) $(GO) test -tags recordings -run 'Recordings|Documents' -count 1 -v ./test

kernel: ## build the kernel of the guest, once (Debian 12: installs its packages as root), 4 min
	@test/kernel/build.sh

test-kernel: kernel ## run the suites that need a real kernel in a guest; SUITE=part of a name picks
	@GO="$(GO)" test/kernel/test.sh $(SUITE)

test-arm: ## boot the 64-bit and the 32-bit Arm binary on a Raspberry Pi as qemu plays it
	test/arm/fetch.sh build/arm
	$(GO) test -tags qemu -count 1 -timeout 8m -v ./test/arm

test-32: ## run what 32 bits could break as the Arm program of an older Raspberry Pi (Debian: qemu-user-static)
	GOARCH=arm GOARM=6 $(GO) vet ./...
	GOARCH=arm GOARM=6 $(GO) test -exec qemu-arm-static ./actors ./actors/telemetry ./protocol/... ./hardware/... \
		./watchdog

kills: kernel ## kill the program KILLS (1000) times on real lines and print how soon the engine is off
	@GO="$(GO)" KILLS=$(or $(KILLS),1000) test/kernel/test.sh test/kernel/kill

power-loss: kernel ## cut the power under RUNS (300) journals and hold what the next boot says against it
	@GO="$(GO)" POWERLOSS=$(or $(RUNS),300) test/kernel/test.sh test/kernel/powerloss

deb: ## build the Debian packages for amd64, arm64, armhf into build/
	GO="$(GO)" deploy/package

test-deb: ## test unit and packages, on a throw-away Debian with systemd; as root; SUITE=part of a name picks
	$(GO) test -tags deploy -count 1 -timeout 10m -v $(if $(SUITE),-run '$(SUITE)') ./test/deploy

test-network: ## find and watch the cameras of a lab of network namespaces, as root; SUITE=part of a name picks
	@GO="$(GO)" test/network/lab/deps.sh
	$(GO) test -tags network -count 1 -timeout 10m -v $(if $(SUITE),-run '$(SUITE)') ./test/network

bench-network: build ## time discover and other people's scanners in the lab, as root; MODE=--wide: a /16
	@GO="$(GO)" test/network/compare.sh build/wildfire-watch $(MODE)

test-browser: ## watch the page in a real Chromium (Debian: chromium); screenshots go to build/screenshots
	$(GO) test -tags browser -count 1 -timeout 10m -v ./test/browser

test-prometheus: ## hold metrics and alert rules against promtool (Debian: prometheus)
	$(GO) test -tags prometheus -count 1 ./web/metrics

test-hosts: ## test the network's own tools in namespaces of their own, as root
	$(GO) test -tags network -count 1 ./network/hosts ./network/announce

docs: ## write anew what documents print from the code, then read the diff
	$(GO) test ./test -run Documents -rewrite
	@if [ -d $(RECORDINGS) ]; then \
		RECORDINGS=$(abspath $(RECORDINGS)) $(GO) test -tags recordings ./test -run Documents -count 1 -rewrite; \
	else echo "no recordings in $(RECORDINGS): README.md's table of them stays as it is"; fi

clean: ## remove what was built
	rm -rf build
