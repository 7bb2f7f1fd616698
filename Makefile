# Three commands for users (demo, demo-cluster, test), the rest for developers. `make` alone lists them.
# The work is done by scripts/, so that names with spaces or quotes pass through the environment unharmed.

INPUT ?=
TO ?=
ARGS ?=
MINUTES ?= 30
EVENTS ?= 1000000
FROM ?=
# Programs that only tests start.
# npm comes with other builds of Node.js, beside which Debian's package of it cannot be.
CLIENT_PACKAGES := prometheus python3-venv curl $(if $(shell command -v npm 2>/dev/null),,nodejs npm)
TEST_PACKAGES := clamav-daemon postgresql nats-server faketime ffmpeg gstreamer1.0-plugins-base-apps $(CLIENT_PACKAGES)
export INPUT TO ARGS MINUTES FROM

.DEFAULT_GOAL := help
.PHONY: help demo demo-cluster test test-upgrade clients setup bench bench-faults lint

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: setup ## dub the sample film, or yours: make demo INPUT=my.mp4 TO=es,ca [ARGS="--subtitles embed"]
	@scripts/demo

demo-cluster: ## dub a film by two API nodes, two flow nodes and three workers, of which one each is killed
	@scripts/setup postgresql nats-server curl
	@scripts/demo-cluster

test: ## run every test, the clients of others, and the demonstration of a cluster
	@scripts/setup $(TEST_PACKAGES)
	@scripts/test

test-upgrade: ## the program of another commit makes room for this one while a film is dubbed: FROM=COMMIT
	@scripts/setup postgresql nats-server
	@scripts/test-upgrade "$$FROM"

clients: ## try the server with clients that nobody here wrote: promtool, schemathesis, standardwebhooks and others
	@scripts/setup $(CLIENT_PACKAGES)
	@scripts/test-clients

setup: ## install the Debian packages that are missing (quiet when none is)
	@scripts/setup

bench: setup ## compare with a shell script, and 1 minute with MINUTES=30: time and memory
	@scripts/bench

bench-faults: ## a million appends to PostgreSQL by 16 writers, writers and readers killed at random; EVENTS=N
	@scripts/setup postgresql
	@EVENTS=$(EVENTS) cargo test --locked --package event-log-postgres --test processes

lint: ## check formatting and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
