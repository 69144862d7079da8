# The program as a static binary for linux/amd64 and linux/arm64, cross-compiled
# on the machine that builds.
#   docker buildx build --target binaries --platform linux/amd64,linux/arm64 \
#     --output type=local,dest=dist,platform-split=false .
#   docker buildx build --platform linux/amd64,linux/arm64 --tag ghcr.io/OWNER/stevedore .

FROM docker/buildx-bin:0.29.1 AS buildx

FROM --platform=$BUILDPLATFORM rust:1.95-bookworm AS build
# The compiler for the other platform, and the C library's headers for it; the
# machine's own are there.
RUN case $(dpkg --print-architecture) in amd64) other=aarch64 libc=arm64 ;; *) other=x86-64 libc=amd64 ;; esac \
    && apt-get update \
    && apt-get install --yes --no-install-recommends gcc-$other-linux-gnu libc6-dev-$libc-cross \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY lab/runner/Cargo.toml lab/runner/
COPY lab/runner/src lab/runner/src
COPY src src
ARG TARGETARCH
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target,id=stevedore-$TARGETARCH \
    case $TARGETARCH in \
    amd64) target=x86_64-unknown-linux-musl ;; \
    arm64) target=aarch64-unknown-linux-musl ;; \
    *) echo "no $TARGETARCH" >&2; exit 1 ;; \
    esac \
    && rustup target add $target \
    && cargo build --release --locked --bin stevedore --target $target \
    && install -D target/$target/release/stevedore /out/stevedore \
    && install -d -m 1777 /out/tmp \
    && install -D -m 0644 /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ca-certificates.crt

# Just the binary, for dist/ of a release.
FROM scratch AS binaries
ARG TARGETARCH
COPY --from=build /out/stevedore /stevedore-linux-$TARGETARCH

# For steps that say `uses: docker://…`, other CI systems, and `docker run`.
FROM scratch AS image
COPY --from=build /out /
COPY --from=buildx /buildx /usr/local/bin/docker-buildx
ENV PATH=/usr/local/bin
ENTRYPOINT ["/stevedore"]
