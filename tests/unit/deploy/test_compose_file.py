"""docker-compose.yaml means what it should, to the specification's schema and to a compose implementation."""

from __future__ import annotations

import subprocess
import sys

import pytest

EVERYWHERE = {
    "postgres",
    "migrate",
    "api-server",
    "scheduler",
    "dag-processor",
    "triggerer",
    "public",
    "bounces",
    "callbacks",
    "api",
}


@pytest.mark.parametrize("name", ["docker-compose.yaml", "deploy/compose.cluster.yaml"])
def test_the_file_conforms_to_the_compose_specification(repository, name):
    check = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", name],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert check.returncode == 0, check.stdout + check.stderr


@pytest.mark.parametrize(
    ("profile", "added"),
    [(None, set()), ("demo", {"mailpit"}), ("celery", {"redis", "celery-worker"})],
)
def test_each_profile_adds_its_services_to_those_that_always_run(compose, profile, added):
    model = compose(*(("--profile", profile) if profile else ()))
    enabled = {
        name
        for name, service in model["services"].items()
        if not service.get("profiles") or profile in service["profiles"]
    }
    assert enabled == EVERYWHERE | added


def test_every_airflow_component_runs_the_one_image_built_from_this_repository(compose, repository):
    services = compose("--profile", "celery")["services"]
    ours = {name: service for name, service in services.items() if "build" in service}
    assert set(ours) == (EVERYWHERE - {"postgres"}) | {"celery-worker"}
    assert len({service["image"] for service in ours.values()}) == 1
    assert {service["build"]["context"] for service in ours.values()} == {str(repository)}


@pytest.mark.parametrize("name", ["POSTGRES_PASSWORD", "SES_DB_PASSWORD"])
@pytest.mark.parametrize("value", [None, ""], ids=["missing", "empty"])
def test_a_secret_that_is_missing_stops_compose_with_an_error_that_names_it(run_compose, filled, name, value):
    del filled[name]
    if value is not None:
        filled[name] = value
    result = run_compose(environment=filled)
    assert result.returncode != 0
    last_line = result.stderr.strip().splitlines()[-1]
    assert name in last_line
    assert "is not set - " in last_line


def test_the_databases_and_the_broker_get_their_generated_passwords(compose):
    environment = compose()["services"]["scheduler"]["environment"]
    assert environment["AIRFLOW_CONN_SES_DB"] == "postgresql://ses:ses-pw@postgres:5432/ses"
    assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == (
        "postgresql+psycopg2://airflow:airflow-pw@postgres:5432/airflow"
    )
    assert environment["AIRFLOW__CELERY__BROKER_URL"] == "redis://:redis-pw@redis:6379/0"


def test_servers_of_the_users_own_take_the_place_of_ours(compose, filled):
    own = {
        "AIRFLOW_CONN_SES_DB": "postgresql://u:p@db.example.com/ses",
        "SES_AIRFLOW_DB_URI": "postgresql+psycopg2://u:p@db.example.com/airflow",
        "SES_BROKER_URL": "redis://:p@redis.example.com:6379/1",
        "SES_EXECUTION_API_URL": "http://10.0.0.1:8080/execution/",
    }
    environment = compose("--profile", "celery", environment=filled | own)["services"]["celery-worker"]["environment"]
    assert environment["AIRFLOW_CONN_SES_DB"] == own["AIRFLOW_CONN_SES_DB"]
    assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == own["SES_AIRFLOW_DB_URI"]
    assert environment["AIRFLOW__CELERY__BROKER_URL"] == own["SES_BROKER_URL"]
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == own["SES_EXECUTION_API_URL"]


@pytest.mark.parametrize("name", ["AIRFLOW_CONN_SES_SMTP", "AIRFLOW_VAR_SES_WARMUP_QUOTA"])
def test_the_mail_relay_and_the_quota_are_handed_on_only_when_they_are_set(compose, name):
    # Null is compose's way to say "as outside, or not at all"; an empty string would hide what Airflow itself keeps.
    environment = compose()["services"]["scheduler"]["environment"]
    assert name in environment
    assert environment[name] is None


def test_the_executor_and_the_number_of_workers_come_from_the_environment(compose, filled):
    assert compose()["services"]["scheduler"]["environment"]["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    services = compose(
        "--profile", "celery", environment=filled | {"SES_EXECUTOR": "CeleryExecutor", "SES_WORKERS": "5"}
    )["services"]
    assert services["scheduler"]["environment"]["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
    assert int(services["celery-worker"]["deploy"]["replicas"]) == 5


def test_the_first_machine_of_several_opens_its_servers_on_the_private_address_alone(compose, run_compose, filled):
    files = ("-f", "docker-compose.yaml", "-f", "deploy/compose.cluster.yaml", "--profile", "celery")
    services = compose(*files, environment=filled | {"SES_PRIVATE_ADDRESS": "10.0.0.1"})["services"]
    assert services["postgres"]["ports"] == ["10.0.0.1:5432:5432"]
    assert services["redis"]["ports"] == ["10.0.0.1:6379:6379"]
    assert set(services["api-server"]["ports"]) == {"127.0.0.1:8080:8080", "10.0.0.1:8080:8080"}
    refused = run_compose(*files, environment=filled)
    assert refused.returncode != 0
    assert "SES_PRIVATE_ADDRESS" in refused.stderr
