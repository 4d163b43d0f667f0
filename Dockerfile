# The daemon as an image: `docker build -t push-daemon .`, then
# `docker run -p 9000:9000 -p 9464:9464 push-daemon [flags]`. It writes nothing: `--read-only` is fine.
ARG NODE=node:24-bookworm-slim

# What runs needs no compiler; what compiles is left behind.
FROM ${NODE} AS build
WORKDIR /build
COPY .npmrc package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build

FROM ${NODE} AS dependencies
WORKDIR /dependencies
COPY .npmrc package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM ${NODE}
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="push-daemon" \
      org.opencontainers.image.description="Pushes ordered, resumable streams of messages down long-lived TCP connections" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# In a container loopback is the container's own; what is reachable is for whoever publishes the ports to say.
ENV NODE_ENV=production \
    PUSH_DAEMON_HOST=0.0.0.0 \
    PUSH_DAEMON_METRICS_HOST=0.0.0.0

WORKDIR /app
COPY --from=dependencies /dependencies/node_modules node_modules
COPY --from=build /build/dist dist
COPY bin bin
COPY proto proto
COPY package.json LICENSE ./

USER node
EXPOSE 9000 9464
# The daemon drains on it, within --drain-timeout; allow it that long: `docker stop --time 15`.
STOPSIGNAL SIGTERM
# Finds a side port that was moved by its variable, not one that was moved by a flag.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PUSH_DAEMON_METRICS_PORT ?? 9464}/livez`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

# Node itself is process 1, so that the signal reaches the daemon and the exit code is its own.
ENTRYPOINT ["node", "bin/push-daemon.js"]
