# phasewatch for Google Cloud. Build: docker build -t phasewatch .
# Two stages: what builds stays behind; the image that runs has no compiler, no pip cache and no local BigQuery.
FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/phasewatch
WORKDIR /src
COPY requirements/image.txt requirements/build.txt requirements/
RUN /opt/phasewatch/bin/pip install --no-deps --require-hashes -r requirements/image.txt \
 && python -m venv /opt/build \
 && /opt/build/bin/pip install --no-deps --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY monitor monitor
COPY checks checks
COPY alerts alerts
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
 && /opt/phasewatch/bin/pip install --no-deps /dist/*.whl \
 && /opt/phasewatch/bin/pip uninstall --yes pip

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /srv/phasewatch --create-home phasewatch \
 && install --directory --owner=phasewatch /srv/phasewatch/var
COPY --from=build /opt/phasewatch /opt/phasewatch
WORKDIR /srv/phasewatch
COPY config.yaml .
ENV PATH=/opt/phasewatch/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PHASEWATCH_MODE=gcp
# The state; mount a volume here, or set PHASEWATCH_STATE_URL to a PostgreSQL.
VOLUME /srv/phasewatch/var
EXPOSE 8080
USER phasewatch
# Outside the container it is reachable only with PHASEWATCH_HOST=0.0.0.0 and PHASEWATCH_TOKEN=...
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ.get('PHASEWATCH_PORT', '8080') + '/healthz', timeout=4)"]
# exec form: the process is PID 1 and gets SIGTERM itself.
ENTRYPOINT ["phasewatch"]
CMD ["watch"]
