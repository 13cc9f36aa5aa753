# The gateway as an image. It needs GATEWAY_MONGODB_URI, because it is built without the managed database, and a master
# key; docker-compose.yml gives it both.

FROM node:22-bookworm-slim AS node

# A fixed version, so that an image is built again as it was; a test compares it with the oldest supported one.
FROM rust:1.95.0-bookworm AS build
# Node and npm build GraphiQL into the binary; Debian's own are older than its tools accept.
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
    && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
WORKDIR /src
COPY . .
# What a build leaves behind stays with the builder, so that the next one compiles only what has changed.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/root/.npm \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --release --locked --package storefront-gateway --no-default-features \
    && objcopy --only-keep-debug target/release/storefront-gateway /storefront-gateway.debug \
    && objcopy --strip-all --add-gnu-debuglink=/storefront-gateway.debug \
        target/release/storefront-gateway /storefront-gateway

# The debug information, three times as large as the binary: `docker build --target debug --output debug .`
FROM scratch AS debug
COPY --from=build /storefront-gateway.debug /

FROM debian:bookworm-slim
# Certificates for TLS to the database, the mail server and identity providers. They are the same in the builder's Debian,
# and the package would bring OpenSSL.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# A number and not a name, so that Kubernetes can see that it is not root.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin gateway \
    && install --directory --owner=10001 --mode=0700 /var/lib/storefront-gateway
COPY --from=build /storefront-gateway /usr/local/libexec/storefront-gateway
# The command's name is the wrapper's, so that `docker compose exec gateway storefront-gateway …` has the key too.
COPY --chmod=0755 docker/storefront-gateway /usr/local/bin/storefront-gateway

ENV GATEWAY_DATA_DIR=/var/lib/storefront-gateway \
    GATEWAY_LISTEN=0.0.0.0:8080
USER 10001
WORKDIR /var/lib/storefront-gateway
VOLUME /var/lib/storefront-gateway
EXPOSE 8080
# The port is the one above; a container with another GATEWAY_LISTEN brings its own check. Bash speaks HTTP well enough for
# it, and is here anyway.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /health/ready HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["storefront-gateway"]
CMD ["serve"]
