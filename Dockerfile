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
        target/release/storefront-gateway /storefront-gateway \
    # What the binary needs of Debian: the C library, certificates for TLS to the database, the mail server and identity
    # providers, and how names are resolved.
    && mkdir --parents /image/usr/local/bin /image/tmp \
    && install --directory --owner=10001 --mode=0700 /image/var/lib/storefront-gateway \
    && cp /storefront-gateway /image/usr/local/bin/ \
    && ldd /storefront-gateway | grep --only-matching '/[^ ]*' | xargs -I '{}' cp --parents --dereference '{}' /image \
    && cp --parents --dereference /etc/ssl/certs/ca-certificates.crt /etc/nsswitch.conf /image

# The debug information, three times as large as the binary: `docker build --target debug --output debug .`
FROM scratch AS debug
COPY --from=build /storefront-gateway.debug /

# Neither a shell nor other programs.
FROM scratch
COPY --from=build /image /

ENV PATH=/usr/local/bin \
    GATEWAY_DATA_DIR=/var/lib/storefront-gateway \
    GATEWAY_LISTEN=0.0.0.0:8080
# A number and not a name, so that Kubernetes can see that it is not root.
USER 10001
WORKDIR /var/lib/storefront-gateway
VOLUME /var/lib/storefront-gateway
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["storefront-gateway", "health"]
ENTRYPOINT ["storefront-gateway"]
CMD ["serve"]
