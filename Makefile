# `make help` lists what there is.

arch := $(shell uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
export CARGO_TERM_COLOR ?= always

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' $(MAKEFILE_LIST) | expand -t 18

.PHONY: demo
demo: lab-up dist-here ## publish examples/hit-counter for two platforms to a registry on this machine
	lab/demo

.PHONY: test
test: dist ## every test, those with engine, registry and emulation included
	lab/up classic second builder
	@# Under nohup SIGHUP would be ignored by everything that the tests start.
	@# Most tests wait for other programs: twice as many threads as cores take half the time.
	@# A failed test prints the log of its run, which should be the last thing to be seen.
	. lab/env && RUST_TEST_THREADS=$$((2 * $$(nproc))) RUST_BACKTRACE=0 \
	  env --default-signal=HUP cargo test --workspace --locked -- --include-ignored

.PHONY: check
check: ## formatting, lints, documentation, dependencies, workflows
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- --deny warnings
	RUSTDOCFLAGS='--deny warnings' cargo doc --workspace --no-deps --locked
	lab/check

.PHONY: fuzz
fuzz: ## a minute of made-up text for each part that reads text of others
	lab/fuzz 60

.PHONY: picture
picture: lab-up ## draw docs/summary.png again, with Chromium
	lab/picture/make

.PHONY: lab-up
lab-up: ## start what is missing of engine, buildx, registry, emulator
	lab/up

.PHONY: lab-down
lab-down: ## stop what lab-up started
	lab/down

.PHONY: bench
bench: dist-here ## whole-process figures, as medians and ratios
	lab/up classic builder
	@# dist/ is what is measured; what measures it needs no release build.
	. lab/env && cargo bench --locked --bench figures --profile dev

.PHONY: dist
dist: ## the static binaries for both platforms
	lab/cross amd64 arm64

.PHONY: dist-here
dist-here: ## the static binary for this machine
	lab/cross $(arch)
