# One image for every Airflow component of docker-compose.yaml. What installs Python packages is deploy/install.sh,
# which tests/unit/deploy/test_install.py runs on the files that are copied here; no Docker engine built this image yet.
FROM python:3.12.12-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /opt/ses-ops

FROM base AS build
# The dependencies first: a change of our own code then reuses this layer.
COPY deploy/install.sh deploy/install.sh
COPY requirements.txt requirements.txt
RUN sh deploy/install.sh dependencies /opt/venv
COPY pyproject.toml setup.py README.md LICENSE ./
COPY plugins plugins
RUN sh deploy/install.sh project /opt/venv \
    && python -m compileall -q plugins

FROM base
# Uid 50000 in group 0, as in Airflow's own image, so that its Helm chart and OpenShift find what they expect.
# /var/lib/airflow and the spool are where volumes go; a new volume takes over the owner. Nothing else need be written to.
RUN useradd --uid 50000 --gid 0 --no-create-home --home-dir /var/lib/airflow --shell /usr/sbin/nologin ses \
    && install -d -o 50000 -g 0 -m 0770 /var/lib/airflow /var/spool/ses-ops
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/ses-ops /opt/ses-ops
COPY deploy/airflow.cfg deploy/airflow.cfg
COPY dags dags
COPY include include
ENV PATH=/opt/venv/bin:$PATH \
    AIRFLOW_HOME=/var/lib/airflow \
    AIRFLOW_CONFIG=/opt/ses-ops/deploy/airflow.cfg \
    SES_HOME=/var/lib/airflow/ses
USER 50000:0
EXPOSE 8080 8070 8060
STOPSIGNAL SIGTERM
CMD ["airflow", "version"]
