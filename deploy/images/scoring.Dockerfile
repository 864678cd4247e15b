# Predicts quality.
#   docker build -f deploy/images/scoring.Dockerfile -t segwatch/scoring:0.1.0 .
FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/build && python -m venv --without-pip /opt/segwatch
COPY deploy/images/build.txt requirements/scoring.txt ./
RUN /opt/build/bin/pip install --no-cache-dir --require-hashes -r build.txt
RUN /opt/build/bin/pip --python /opt/segwatch install --no-cache-dir --require-hashes -r scoring.txt
COPY pyproject.toml README.md LICENSE ./
COPY services services
# Everything is pinned already, the builder too: nothing else is fetched.
RUN /opt/build/bin/pip wheel --no-deps --no-index --no-build-isolation --wheel-dir dist . \
    && /opt/build/bin/pip --python /opt/segwatch install --no-deps --no-index dist/*.whl
# What is in this image, for whoever asks: docker run --rm --entrypoint cat IMAGE /opt/segwatch/sbom.cdx.json
RUN /opt/build/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
    --output-file /opt/segwatch/sbom.cdx.json /opt/segwatch/bin/python

FROM python:3.11-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin segwatch
COPY --from=build /opt/segwatch /opt/segwatch
ENV PATH=/opt/segwatch/bin:$PATH \
    HOME=/tmp \
    NUMBA_CACHE_DIR=/tmp/numba \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /tmp
EXPOSE 8080
ENTRYPOINT ["python", "-m", "services.scoring"]
