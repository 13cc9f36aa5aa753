# Recipes for https://github.com/casey/just; each is a plain command that works without it.

_default:
    @just --list

# Runs the gateway with its own database and a demo.
run *arguments:
    cargo run -- {{ arguments }}

# Runs all tests.
test:
    cargo test

# Runs the tests whose path contains the filter, such as `customers::registration`.
test-one filter:
    cargo test -- {{ filter }}

# Measures all parts of the benchmarks, or those that are named.
bench *parts:
    cargo bench -- {{ parts }}

# Writes schema.graphql from the code.
schema:
    cargo run --quiet -- schema > schema.graphql

# Checks format and lints.
lint:
    cargo fmt --all --check
    cargo clippy --locked --all-targets -- -D warnings
    GATEWAY_BUILD_GRAPHIQL=off cargo clippy --locked --package storefront-gateway --no-default-features --lib --bins -- -D warnings

# Everything that a change must pass.
ci:
    .ci/run
