"""What Airflow answers at its addresses behind a proxy, and past it."""

from __future__ import annotations

import pytest

from ses_ops.cli.console_checks import ASKED, ConsoleAnswer, judged


def test_the_forgotten_slash_leads_to_airflow(behind):
    with behind.client() as client:
        answer = client.get(behind.prefix)
        assert (answer.status_code, answer.headers["location"]) == (301, f"{behind.prefix}/")
        assert f'<base href="{behind.prefix}/"' in client.get(f"{behind.prefix}/").text


def test_no_other_path_of_the_name_leads_to_airflow(behind):
    with behind.client() as client:
        assert client.get("/").status_code == 404
        assert client.get("/ses/tasks").status_code == 404
        assert client.get(f"{behind.prefix}ing/").status_code == 404


def test_port_80_leads_to_https(kept):
    answer = kept.front.plain("intern.example", "/mail/ses/tasks?status=sent")
    assert answer.status_code == 301
    assert answer.headers["location"] == "https://intern.example/mail/ses/tasks?status=sent"


@pytest.mark.parametrize("with_prefix", [False, True])
def test_workers_and_health_checks_need_not_know_the_prefix(behind, with_prefix):
    """docker-compose.yaml asks http://localhost:8080/api/v2/monitor/health and http://api-server:8080/execution/."""
    prefix = behind.prefix if with_prefix else ""
    for path in ("/execution/health", "/api/v2/monitor/health"):
        assert behind.airflow.direct(prefix + path).json(), path
    assert behind.airflow.direct(f"{prefix}/ses/tasks").status_code == 401


def test_the_workers_way_does_not_lead_through_the_proxy(behind):
    with behind.client() as client:
        for path in ("/execution/health", "/%65xecution/health", f"{behind.prefix}/execution/health"):
            answer = client.request("GET", "/", target=behind.prefix + path)
            assert answer.status_code == 404
            # Airflow's own 404 is JSON.
            assert not answer.headers.get("content-type", "").startswith("application/json")


def test_the_server_knows_its_address(behind):
    """What `ses doctor` looks at."""
    with behind.anonymous() as client:
        answer = client.get(behind.prefix + ASKED)
    (found,) = judged(behind.base_url, ConsoleAnswer(answer.status_code, answer.headers["location"]))
    assert found == ("ok", f"Airflow's pages answer at {behind.base_url}, and know that address")


def test_airflow_is_told_addresses_of_the_console_that_are_there(behind):
    with behind.client() as client:
        plugins = client.get(f"{behind.prefix}/api/v2/plugins").json()["plugins"]
        views = [view for plugin in plugins for view in plugin["external_views"]]
        assert len(views) == 3
        for view in views:
            for address in (view["href"], view["icon"], view["icon_dark_mode"]):
                path = address.replace("{DAG_ID}", "send_task__hello").replace("{RUN_ID}", "manual__1")
                assert path.startswith(behind.console), path
                # No such task in an empty installation: a page of the console says so.
                answer = client.get(path)
                assert answer.status_code in (200, 404), path
                assert "content-security-policy" in answer.headers
