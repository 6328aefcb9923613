# Tongqian in one image: the server with its pages, the browser bundle and nothing else.
#   docker build --build-arg COMMIT="$(git rev-parse --short=12 HEAD)" -t tongqian .
#   docker run --read-only -v tongqian:/data -p 127.0.0.1:3000:3000 tongqian

FROM rust:1-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends cmake clang nodejs npm \
    && rm -rf /var/lib/apt/lists/* \
    && rustup target add wasm32-unknown-unknown
WORKDIR /source
COPY . .
ARG COMMIT=unknown
ENV TONGQIAN_COMMIT=$COMMIT
# The bundle first: the server takes it in.
RUN scripts/bundle.sh && cargo build --release --locked \
    && strip target/release/tongqian \
    && install -d -o 65532 -g 65532 -m 0700 /out/data

# glibc, the roots of TLS and a user without rights; no shell and no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /source/target/release/tongqian /usr/bin/tongqian
COPY --from=build --chown=65532:65532 /out/data /data
WORKDIR /
USER 65532:65532
# In a container every address is its own; what the world reaches is decided outside.
ENV LISTEN=0.0.0.0:3000 DATABASE_URL=sqlite:///data/tongqian.db
VOLUME /data
EXPOSE 3000
# Without a shell and curl the program asks itself: a start that would fail is unhealthy, a server that holds LISTEN is healthy.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 CMD ["/usr/bin/tongqian", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/tongqian"]
CMD ["serve"]
