# What is run is tests/deploy/test_container.py's matter, too: it reads these instructions.
ARG PYTHON=python:3.11.11-slim-bookworm

FROM ${PYTHON} AS build
WORKDIR /app
COPY requirements.lock ./
RUN python -m pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes \
        --only-binary :all: --target packages --requirement requirements.lock
COPY LICENSE ./
COPY cds_service cds_service
# The file system is read-only later: nothing can be compiled then.
RUN python -m compileall -q --invalidation-mode unchecked-hash cds_service \
    && mkdir /data

FROM ${PYTHON}
LABEL org.opencontainers.image.title="cds-service" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN python -m pip uninstall --yes --quiet --root-user-action ignore pip setuptools wheel
COPY --from=build /app /app
COPY --from=build --chown=10001:10001 /data /data
# What is in the working directory, which can be written to, is not imported.
ENV PYTHONPATH=/app:/app/packages \
    PYTHONSAFEPATH=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /data
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 8000, timeout=2); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["python", "-m", "cds_service"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
