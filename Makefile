# The words people type. `make call` and `make test` need Rust, Python 3.11 or later and package registries.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup models models-test models-eval build call serve check test lint bench load clean

PYTHON ?= python3
QINGTING := target/release/qingting

help: ## What can be typed here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## Fetch the native parts (done once)
	@$(PYTHON) ops/setup/natives.py

models: ## Train the models anew: the general encoder from its pinned sources, then every stage (hours without a GPU)
	@$(PYTHON) -m models.pipeline
	@$(PYTHON) -m models.pipeline.training $(if $(EVERYDAY),--everyday $(EVERYDAY)) all

models-test: ## Pass the tests of the training, which need PyTorch
	@$(PYTHON) -m models.pipeline.training test

models-eval: ## Print every table of models/evaluation, with pictures
	@$(PYTHON) -m models.pipeline
	@$(PYTHON) -m models.pipeline.evaluation $(if $(EVERYDAY),--everyday $(EVERYDAY)) $(if $(PUBLIC),--public $(PUBLIC))

build: ## Build the release binaries
	@echo "building (a first build takes some minutes)"
	@cargo build --release --locked -p dialog -p integration

call: setup build ## Open a call in the terminal
	@$(QINGTING) call

serve: setup build ## Serve gRPC and HTTP; private Valkey and Postgres where REDIS_URL, DATABASE_URL are unset
	@$(QINGTING) serve

check: setup build ## Say what is good and what is wrong with settings, pack, model and stores
	@$(QINGTING) check

test: setup ## Pass all tests, against real Valkey, Postgres and ONNX Runtime
	@$(PYTHON) -m models.pipeline test
	cargo build --locked -p dialog -p integration
	cargo test --locked --workspace

lint: ## rustfmt, clippy, cargo-deny
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo deny --locked check

bench: setup build ## Micro-benchmarks and the load figures
	cargo bench --locked -p nlu
	ops/load/run

load: setup build ## Turns per second and latency at 1, 16 and 64 calls
	ops/load/run

clean: ## Remove what was built and fetched, and the data of the private stores
	rm -rf target .qingting models/.work models/artifacts/general
