"""deploy/helm/values.yaml against Airflow's chart itself, which is not in this repository. docs/kubernetes.md says how.

    SES_AIRFLOW_CHART=airflow-1.22.0.tgz python -m pytest tests/unit/deploy/test_helm_chart.py

It needs the packages helm-python-sdk (Helm's own library) and kubernetes-validate (the schemas of Kubernetes), which
are not locked here.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest
import yaml

CHART = os.environ.get("SES_AIRFLOW_CHART")

pytestmark = pytest.mark.skipif(not CHART, reason="SES_AIRFLOW_CHART names no chart")

#: Kubernetes whose schemas the objects are held against.
KUBERNETES = "1.34"
COMPONENTS = {
    "ses-ops-api-server",
    "ses-ops-scheduler",
    "ses-ops-dag-processor",
    "ses-ops-triggerer",
    "ses-ops-run-airflow-migrations",
}


@pytest.fixture(scope="module")
def objects() -> list[dict[str, Any]]:
    """Everything that the chart makes of our values, the template of the workers' pods included."""
    import helm_python

    with open(os.path.join(os.path.dirname(__file__), "..", "..", "..", "deploy", "helm", "values.yaml")) as file:
        values = yaml.safe_load(file)
    chart = helm_python.Chart.load(CHART)
    chart.validate_schema(chart.merge_values(values))
    rendered = chart.render(values, name="ses-ops", namespace="ses-ops")
    texts = [text for name, text in rendered.items() if name.endswith(".yaml")]
    made = [one for text in texts for one in yaml.safe_load_all(text) if one]
    config = next(one for one in made if one["metadata"]["name"] == "ses-ops-config")
    return [*made, yaml.safe_load(config["data"]["pod_template_file.yaml"])]


@pytest.fixture(scope="module")
def pods(objects) -> dict[str, dict[str, Any]]:
    found = {
        one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in objects if "template" in one.get("spec", {})
    }
    worker = next(one["spec"] for one in objects if one["kind"] == "Pod")
    return {**found, "worker": worker}


def test_every_object_conforms_to_the_schemas_of_kubernetes(objects):
    import kubernetes_validate

    for one in objects:
        kubernetes_validate.validate(one, KUBERNETES, strict=True)


def test_the_components_are_those_of_the_compose_file(pods):
    assert set(pods) == COMPONENTS | {"worker"}


def test_every_container_is_ours_limited_and_without_rights(pods):
    for name, pod in pods.items():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["enableServiceLinks"] is False, name
        for one in [*pod["containers"], *(pod.get("initContainers") or [])]:
            where = f"{name}: {one['name']}"
            assert one["image"] == "registry.example.com/ses-ops:0.1.0-kubernetes", where
            assert one["securityContext"]["readOnlyRootFilesystem"] is True, where
            assert one["securityContext"]["allowPrivilegeEscalation"] is False, where
            assert one["securityContext"]["capabilities"] == {"drop": ["ALL"]}, where
            assert one["resources"]["limits"]["memory"], where


def test_no_variable_is_given_twice_and_the_settings_are_everywhere(pods):
    for name, pod in pods.items():
        for one in [*pod["containers"], *(pod.get("initContainers") or [])]:
            assert max(Counter(entry["name"] for entry in one["env"]).values()) == 1, name
            sources = [next(iter(entry.values()))["name"] for entry in one["envFrom"]]
            assert sources == ["ses-ops-settings", "ses-ops-connections"], name


def test_nothing_calls_a_file_of_airflows_own_image(objects):
    text = yaml.safe_dump_all(objects)
    assert "/entrypoint" not in text
    assert "/clean-logs" not in text


def test_a_worker_ends_what_it_has_begun_and_is_not_started_again(pods):
    assert pods["worker"]["terminationGracePeriodSeconds"] == 120
    assert pods["worker"]["restartPolicy"] == "Never"


def test_the_api_is_where_the_tasks_are_told(objects):
    services = {one["metadata"]["name"] for one in objects if one["kind"] == "Service"}
    settings = next(one["data"] for one in objects if one["metadata"]["name"] == "ses-ops-settings")
    host = settings["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].removeprefix("http://").partition(":")[0]
    assert host in services
    scheduler = next(
        one for one in objects if one["kind"] == "Deployment" and one["metadata"]["name"] == "ses-ops-scheduler"
    )
    mounts = {one["mountPath"] for one in scheduler["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]}
    assert settings["AIRFLOW__KUBERNETES_EXECUTOR__POD_TEMPLATE_FILE"] in mounts


def test_only_who_makes_or_reads_pods_has_a_token_of_the_cluster(objects):
    with_token = {
        one["metadata"]["name"]
        for one in objects
        if one["kind"] == "ServiceAccount" and one.get("automountServiceAccountToken", True)
    }
    used = {
        one["spec"]["template"]["spec"]["serviceAccountName"] for one in objects if "template" in one.get("spec", {})
    }
    assert with_token & used == {"ses-ops-airflow-scheduler", "ses-ops-airflow-api-server"}
    worker = next(one for one in objects if one["kind"] == "Pod")
    assert worker["spec"]["serviceAccountName"] not in with_token
