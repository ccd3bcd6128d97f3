"""deploy/helm says the same as docker-compose.yaml, and its manifests keep the rules that the compose file keeps."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.fernet import Fernet

import ses_ops

#: Variables that the chart makes of the Secret in values.yaml, and the key of each.
BY_THE_CHART = {
    "AIRFLOW__CORE__FERNET_KEY": ("fernetKeySecretName", "fernet-key"),
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": ("data.metadataSecretName", "connection"),
    "AIRFLOW__API__SECRET_KEY": ("apiSecretKeySecretName", "api-secret-key"),
    "AIRFLOW__API_AUTH__JWT_SECRET": ("jwtSecretName", "jwt-secret"),
}
#: Variables of the compose file that KubernetesExecutor has no use for.
OF_CELERY = {"AIRFLOW__CELERY__BROKER_URL", "AIRFLOW__CELERY__WORKER_CONCURRENCY"}
#: What make-secrets.sh asks for, and what it takes besides.
REQUIRED = {
    "SES_AIRFLOW_DB_URI": "postgresql+psycopg2://airflow:pw@db:5432/airflow",
    "AIRFLOW_CONN_SES_DB": "postgresql://ses:it's@db:5432/ses",
    "AIRFLOW_CONN_SES_SMTP": "smtp://login:p%40w@relay:587/?tls=starttls&connections=20",
}
OPTIONAL = {
    "AIRFLOW_CONN_SES_BOUNCE_MAILBOX": "imaps://a:b@mailbox",
    "AIRFLOW_VAR_SES_WARMUP_QUOTA": '{"mail.example.com": {"plan": "standard"}}',
    "SES_HOOK_AMAZON_SES_TOPICS": "arn:aws:sns:eu-west-1:123456789012:ses-events",
    "SES_HOOK_TENCENT_SES_SECRET": "1",
    "SES_HOOK_SENDGRID_KEY": "2",
    "SES_HOOK_MAILGUN_KEY": "3",
    "SES_HOOK_POSTMARK_LOGIN": "4",
    "SES_HOOK_CUSTOM_SECRET": "5",
}
SERVICES = ["public", "bounces", "callbacks", "api"]
#: Seconds that the manifests add to compose's grace: `preStop` waits so long, first.
PRE_STOP = 5


@pytest.fixture
def helm(repository: Path) -> Path:
    return repository / "deploy" / "helm"


@pytest.fixture
def values(helm) -> dict[str, Any]:
    return yaml.safe_load((helm / "values.yaml").read_text())


@pytest.fixture
def settings(values) -> dict[str, str]:
    """The ConfigMap that Airflow and the services share."""
    return yaml.safe_load(values["extraConfigMaps"]["ses-ops-settings"]["data"])


@pytest.fixture
def kustomization(helm) -> dict[str, Any]:
    return yaml.safe_load((helm / "services" / "kustomization.yaml").read_text())


@pytest.fixture
def manifests(helm) -> dict[str, list[dict[str, Any]]]:
    """Per file of services/ without its ending, its objects."""
    files = (helm / "services").glob("*.yaml")
    return {file.stem: list(yaml.safe_load_all(file.read_text())) for file in files if file.stem != "kustomization"}


@pytest.fixture
def make_secrets(helm):
    def run(**environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", str(helm / "make-secrets.sh")],
            env={"PATH": os.environ["PATH"], **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def secrets(text: str) -> dict[str, dict[str, str]]:
    return {one["metadata"]["name"]: one["stringData"] for one in yaml.safe_load_all(text)}


def workload(objects: list[dict[str, Any]]) -> dict[str, Any]:
    return next(one for one in objects if one["kind"] in ("Deployment", "StatefulSet"))


def container(objects: list[dict[str, Any]]) -> dict[str, Any]:
    return workload(objects)["spec"]["template"]["spec"]["containers"][0]


def own_environment(raw_compose: dict[str, Any], service: str) -> dict[str, Any]:
    """What a service of the compose file has besides what all have."""
    shared = raw_compose["x-environment"]
    return {k: v for k, v in raw_compose["services"][service]["environment"].items() if k not in shared}


def literals(environment: dict[str, Any]) -> dict[str, str]:
    """The variables that have a value in the compose file, or a default, which names no host of compose's."""
    found = {}
    for name, value in environment.items():
        text = re.sub(r"^\$\{[A-Z_]+:-([^{}]*)\}$", r"\1", str(value or ""))
        if text and "$" not in text and "://" not in text:
            found[name] = text
    return found


def test_what_compose_hands_to_every_service_is_handed_on_here_too(raw_compose, settings, make_secrets):
    connections = secrets(make_secrets(**REQUIRED, **OPTIONAL).stdout)["ses-ops-connections"]
    here = set(settings) | set(BY_THE_CHART) | set(connections)
    assert set(raw_compose["x-environment"]) - here == OF_CELERY


def test_a_setting_has_the_value_that_compose_gives_it(raw_compose, settings):
    expected = literals({k: v for k, v in raw_compose["x-environment"].items() if k not in OF_CELERY})
    assert expected.pop("AIRFLOW__CORE__EXECUTOR") == "LocalExecutor"
    assert expected.keys() >= {"SES_PARALLEL_CHUNKS", "AIRFLOW__CORE__PARALLELISM", "AIRFLOW__API_AUTH__JWT_ISSUER"}
    assert {name: settings[name] for name in expected} == expected


def test_the_executor_is_the_same_for_the_chart_and_for_the_image(values, settings):
    # The chart's airflow.cfg is not read: what it would say must stand in the environment.
    assert values["executor"] == settings["AIRFLOW__CORE__EXECUTOR"] == "KubernetesExecutor"
    assert {"AIRFLOW__KUBERNETES_EXECUTOR__NAMESPACE", "AIRFLOW__KUBERNETES_EXECUTOR__POD_TEMPLATE_FILE"} <= set(
        settings
    )


def test_airflow_home_is_that_of_the_image(values, repository):
    assert f"AIRFLOW_HOME={values['airflowHome']} " in (repository / "Dockerfile").read_text()
    assert {"name": "home", "mountPath": values["airflowHome"]} in values["volumeMounts"]


def test_the_console_is_started_as_compose_starts_it(raw_compose, values):
    given = {one["name"]: one.get("value") for one in values["apiServer"]["env"]}
    own = own_environment(raw_compose, "api-server")
    assert set(own) == set(given)
    assert {name: given[name] for name in literals(own)} == literals(own)
    command = raw_compose["services"]["api-server"]["command"]
    assert values["apiServer"]["args"] == [part.replace("$$", "$") for part in command]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_started_as_compose_starts_it(name, raw_compose, manifests, make_secrets):
    started, own = container(manifests[name]), own_environment(raw_compose, name)
    given = {one["name"]: one.get("value") for one in started["env"]}
    assert started["args"] == raw_compose["services"][name]["command"]
    hooks = secrets(make_secrets(**REQUIRED, **OPTIONAL).stdout)["ses-ops-hooks"] if name == "public" else {}
    assert set(own) <= {*given, *hooks}
    assert {key: given[key] for key in literals(own)} == literals(own)
    sources = [next(iter(one.values()))["name"] for one in started["envFrom"]]
    assert sources[:2] == ["ses-ops-settings", "ses-ops-connections"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_the_time_to_end_that_compose_gives_it(name, raw_compose, manifests):
    pod = workload(manifests[name])["spec"]["template"]["spec"]
    waits = PRE_STOP if "lifecycle" in pod["containers"][0] else 0
    grace = raw_compose["services"][name]["stop_grace_period"]
    assert pod["terminationGracePeriodSeconds"] == int(grace.removesuffix("s")) + waits


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_limited_in_memory_and_rights_and_is_watched(name, raw_compose, manifests):
    pod, one = workload(manifests[name])["spec"]["template"]["spec"], container(manifests[name])
    limit = raw_compose["services"][name]["deploy"]["resources"]["limits"]["memory"]
    assert one["resources"]["limits"]["memory"] == limit.replace("m", "Mi").replace("g", "Gi")
    assert {"cpu", "memory"} == set(one["resources"]["requests"])
    assert {"readinessProbe", "livenessProbe"} <= set(one)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]) == (50000, 0)
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert one["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    # No token of the cluster's API, and no Service that turns up as SES_..._PORT.
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False


@pytest.mark.parametrize("name", SERVICES)
def test_two_copies_run_and_a_drain_takes_one_at_a_time(name, manifests):
    assert workload(manifests[name])["spec"]["replicas"] == 2
    budget = next(one for one in manifests[name] if one["kind"] == "PodDisruptionBudget")
    assert budget["spec"]["maxUnavailable"] == 1
    assert budget["spec"]["selector"] == workload(manifests[name])["spec"]["selector"]


@pytest.mark.parametrize("name", ["public", "bounces"])
def test_each_copy_of_a_listener_has_a_spool_of_its_own_that_outlives_it(name, manifests):
    listener = workload(manifests[name])
    assert listener["kind"] == "StatefulSet"
    claim = listener["spec"]["volumeClaimTemplates"][0]
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    spool = next(one["value"] for one in container(manifests[name])["env"] if one["name"] == "SES_SPOOL")
    assert {"name": claim["metadata"]["name"], "mountPath": spool} in container(manifests[name])["volumeMounts"]
    assert set(listener["spec"]["persistentVolumeClaimRetentionPolicy"].values()) == {"Retain"}


def test_every_volume_that_is_mounted_is_there(manifests):
    for name in SERVICES:
        spec = workload(manifests[name])["spec"]
        there = {one["name"] for one in spec["template"]["spec"]["volumes"]}
        there |= {one["metadata"]["name"] for one in spec.get("volumeClaimTemplates", [])}
        assert {one["name"] for one in container(manifests[name])["volumeMounts"]} == there, name


def test_an_ingress_and_a_service_lead_to_a_port_that_is_there(manifests):
    ports = {}
    for name in SERVICES:
        for one in manifests[name]:
            if one["kind"] == "Service":
                assert one["spec"]["selector"] == workload(manifests[name])["spec"]["selector"]["matchLabels"]
                ports[one["metadata"]["name"]] = {port["name"] for port in one["spec"]["ports"]}
                assert {port["targetPort"] for port in one["spec"]["ports"]} == {
                    port["name"] for port in container(manifests[name])["ports"]
                }
    assert len(manifests["ingress"]) == 2
    for one in manifests["ingress"]:
        backend = one["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
        assert backend["port"]["name"] in ports[backend["name"]]
        assert one["spec"]["tls"][0]["hosts"] == [one["spec"]["rules"][0]["host"]]


def test_the_image_is_the_same_everywhere_and_of_this_version(values, kustomization, manifests, helm):
    image = f"{values['defaultAirflowRepository']}:{values['defaultAirflowTag']}"
    assert [f"{one['newName']}:{one['newTag']}" for one in kustomization["images"]] == [image]
    assert {container(manifests[name])["image"] for name in SERVICES} == {kustomization["images"][0]["name"]}
    assert values["defaultAirflowTag"] == f"{ses_ops.__version__}-kubernetes"
    assert f"ARG SES_IMAGE=ses-ops:{ses_ops.__version__}\n" in (helm / "Dockerfile").read_text()


def test_the_version_of_airflow_is_the_locked_one(values, repository):
    assert f"\napache-airflow=={values['airflowVersion']} " in (repository / "requirements.txt").read_text()


def test_the_provider_of_the_executor_is_locked_beside_what_the_image_has(helm, repository):
    locked = [
        set(re.findall(r"^([a-z0-9._-]+)(?:\[.*\])?==", file.read_text(), re.MULTILINE))
        for file in (helm / "requirements.txt", repository / "requirements.txt")
    ]
    assert "apache-airflow-providers-cncf-kubernetes" in locked[0]
    assert not locked[0] & locked[1]


def test_every_file_of_the_services_is_applied(kustomization, manifests):
    assert {file.removesuffix(".yaml") for file in kustomization["resources"]} == set(manifests)


def test_the_secrets_that_are_named_are_those_that_are_made(values, manifests, make_secrets):
    made = secrets(make_secrets(**REQUIRED).stdout)
    for path, key in BY_THE_CHART.values():
        named: Any = values
        for part in path.split("."):
            named = named[part]
        assert key in made[named]
    references = [one["valueFrom"]["secretKeyRef"] for one in values["apiServer"]["env"] if "valueFrom" in one]
    sources = yaml.safe_load(values["extraEnvFrom"])
    for name in SERVICES:
        one = container(manifests[name])
        references += [entry["valueFrom"]["secretKeyRef"] for entry in one["env"] if "valueFrom" in entry]
        sources += one["envFrom"]
    for reference in references:
        assert reference["key"] in made[reference["name"]]
    needed = [one["secretRef"] for one in sources if "secretRef" in one]
    assert {one["name"] for one in needed if not one.get("optional")} <= set(made)


def test_the_keys_are_made_anew_and_what_is_given_is_kept(make_secrets):
    first, second = (secrets(make_secrets(**REQUIRED, **OPTIONAL).stdout) for _ in range(2))
    for key in ("fernet-key", "jwt-secret", "api-secret-key"):
        assert first["ses-ops-airflow"][key] != second["ses-ops-airflow"][key]
    Fernet(first["ses-ops-airflow"]["fernet-key"])
    assert set(json.loads(first["ses-ops-login"]["SES_WEB_PASSWORDS"])) == {"admin"}
    flat = {key: value for one in first.values() for key, value in one.items()}
    given = {**REQUIRED, **OPTIONAL}
    assert flat["connection"] == given.pop("SES_AIRFLOW_DB_URI")
    assert {name: flat[name] for name in given} == given


@pytest.mark.parametrize("missing", sorted(REQUIRED))
def test_an_address_that_is_missing_is_named_and_nothing_is_printed(make_secrets, missing):
    answer = make_secrets(**{name: value for name, value in REQUIRED.items() if name != missing})
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert f"{missing} is not set" in answer.stderr
