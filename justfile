# Names for the usual commands; the logic is elsewhere.

# list the commands
default:
    @just --list

# formatting and lints, warnings denied
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# all tests but the foreign clients
test:
    cargo test --workspace

# the official SDKs against `cozectl serve`, then the table of what passes; see interop/README.md
interop:
    cargo build --release -p cozectl
    cd interop/python && .venv/bin/pytest
    cd interop/node && npm ci && npm test
    cd interop/java && mvn --batch-mode test
    cd interop/go && go test -mod=mod ./...
    cargo xtask compatibility

# the figures of bench/README.md
bench:
    cargo build --release -p cozectl
    cargo run --release -p coze-bench

# a short run of the benchmarks: does everything work?
bench-smoke:
    cargo run --release -p coze-bench -- --smoke

# write the generated documents
docs:
    cargo xtask docs

# what is out of step
tidy:
    cargo xtask tidy

# everything that CI runs
ci:
    .ci/run
