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

# Builds target/dist/storefront-gateway for production, and its debug information in a file beside it.
release:
    cargo build --release --locked --package storefront-gateway --no-default-features
    mkdir -p target/dist
    objcopy --only-keep-debug target/release/storefront-gateway target/dist/storefront-gateway.debug
    objcopy --strip-all --add-gnu-debuglink=target/dist/storefront-gateway.debug target/release/storefront-gateway target/dist/storefront-gateway

# Writes schema.graphql from the code.
schema:
    cargo run --quiet -- schema > schema.graphql

# Writes the column of tests in docs/REQUIREMENTS.md from the code.
requirements:
    UPDATE_REQUIREMENTS=1 cargo test --test it -- requirements

# Builds the documentation of the crate with its private items.
doc *arguments:
    RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --document-private-items {{ arguments }}

# Formats the code.
format:
    cargo fmt

# Checks format, spelling (https://github.com/crate-ci/typos) and lints.
lint:
    cargo fmt --all --check
    typos
    cargo clippy --locked --all-targets -- -D warnings
    GATEWAY_BUILD_GRAPHIQL=off cargo clippy --locked --package storefront-gateway --no-default-features --lib --bins -- -D warnings

# Everything that a change must pass.
ci:
    .ci/run
