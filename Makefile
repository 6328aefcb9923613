# Every step skips what is already done. `make run` and `make test` need nothing but a fresh clone.
.DEFAULT_GOAL := help
.PHONY: help run test fmt fmt-check clippy unit wasm bundle browser browser-test interop tidy clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: ## bundle, release server and simulator, in the foreground (Ctrl-C ends it)
	@exec scripts/run.sh

test: ## format, lints, tests on SQLite and PostgreSQL, bundle, browser, SDKs; ends with `N passed, N failed`
	@exec scripts/test.sh

fmt: ## format all Rust code
	cargo fmt --all

fmt-check: ## is all Rust code formatted?
	cargo fmt --all --check

clippy: ## lints, as `make test` runs them
	cargo clippy --workspace --all-targets --locked -- -D warnings

unit: ## Rust tests only; with TEST_DATABASE_URL set, on that PostgreSQL too
	cargo test --workspace --locked

tidy: ## the house rules a machine can check
	cargo test --locked --test tidy

wasm: ## set up the wasm32 tool chain
	@scripts/wasm-toolchain.sh >/dev/null

bundle: ## the browser bundle, in target/site
	@scripts/bundle.sh

browser: ## set up Chromium and the browser tests' packages
	@scripts/browser.sh

browser-test: bundle browser ## browser tests only
	cargo build --locked
	node --test --test-concurrency=2 end2end/browser/*.test.mjs

interop: ## other people's SDKs against the simulator
	@scripts/interop.sh
	cargo build --locked
	node --test --test-concurrency=2 end2end/interop/*.test.mjs

clean: ## remove everything built (not data/, not the tool cache)
	cargo clean
	rm -rf end2end/*/node_modules end2end/browser/screenshots
