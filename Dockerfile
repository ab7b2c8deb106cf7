# One image for every target: `docker run … heliostat serve --target=edge`. The build reads the locks and the sources,
# nothing else (.dockerignore), and asks the package index that pip is configured for.
# Debian 13's SQLite is new enough; Debian 12's is not.
ARG PYTHON=python:3.12-slim-trixie

FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -c "import sqlite3; assert sqlite3.sqlite_version_info >= (3, 42), sqlite3.sqlite_version" \
    && python -m venv /opt/heliostat
WORKDIR /source
COPY requirements/runtime.txt requirements/runtime.txt
RUN /opt/heliostat/bin/pip install --require-hashes --only-binary :all: -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY protos/gen protos/gen
COPY services services
COPY gateway_edge gateway_edge
COPY router router
COPY adapters adapters
RUN /opt/heliostat/bin/pip install --no-deps --no-build-isolation . \
    && /opt/heliostat/bin/pip uninstall --yes editables hatchling pip \
    && cd / && /opt/heliostat/bin/heliostat list-targets

FROM ${PYTHON}
# The state's folder exists with its owner, so that a new volume mounted there belongs to us.
RUN groupadd --gid 10001 heliostat \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/heliostat --shell /usr/sbin/nologin heliostat \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/heliostat /var/lib/heliostat/blobs
COPY --from=build /opt/heliostat /opt/heliostat
ENV PATH=/opt/heliostat/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HELIOSTAT_STATE_DIR=/var/lib/heliostat
USER 10001:10001
WORKDIR /var/lib/heliostat
VOLUME /var/lib/heliostat
EXPOSE 8080 8081 50051 9000 9464
ENTRYPOINT ["heliostat"]
CMD ["serve", "--config=/etc/heliostat/config/heliostat.yaml"]
