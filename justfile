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

# the official Python SDK against `cozectl serve`; needs interop/python/.venv, see the README there
interop:
    cargo build --release -p cozectl
    cd interop/python && .venv/bin/pytest

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
