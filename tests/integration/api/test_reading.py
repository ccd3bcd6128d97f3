"""What the native API shows: messages, domains, statistics, events; of the key's sender domains and no others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import psycopg2
import pytest

from ses_ops.application.secret_box import VARIABLE
from tests.integration.api.api_process import FERNET_KEY, ApiProcess, new_key
from tests.single_mail import FAILED, SENT, SUPPRESSED, SingleMail

CODES, NEWS = "codes.example.com", "news.example.com"
PLAN = {"plan": "standard", "started_on": "2026-01-01", "time_zone": "Asia/Tokyo"}


@pytest.fixture(scope="module")
def api(api_dsn, tmp_path_factory) -> Iterator[ApiProcess]:
    settings = {VARIABLE: FERNET_KEY, "AIRFLOW_VAR_SES_WARMUP_QUOTA": json.dumps({CODES: PLAN, NEWS: PLAN})}
    process = ApiProcess(dsn=api_dsn, spool=tmp_path_factory.mktemp("api") / "home", settings=settings)
    process.start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def ids(api_dsn) -> dict[str, str]:
    """Messages: two of the codes, one of the news."""
    conn = psycopg2.connect(api_dsn)
    mail = SingleMail(conn)
    made = {
        "sent": mail.message(("ann@example.com", SENT), domain=CODES, reference="order-1", tags=["receipt"]),
        "failed": mail.message(
            ("bo@example.com", FAILED), ("cy@example.com", SUPPRESSED), domain=CODES, ago=timedelta(minutes=1)
        ),
        "news": mail.message(("ann@example.com", SENT), domain=NEWS, reference="order-1"),
    }
    conn.close()
    return {name: str(one) for name, one in made.items()}


@pytest.fixture(scope="module")
def everything(api, ids):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, FERNET_KEY)
        made = new_key(api.dsn, "everything")
    with api.client(made) as client:
        yield client


@pytest.fixture(scope="module")
def codes(api, ids):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, FERNET_KEY)
        made = new_key(api.dsn, "codes", scopes=("read",), domains=(CODES,))
    with api.client(made) as client:
        yield client


def found(client, path, **asked):
    answer = client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def problem(client, path, status, **asked):
    answer = client.get(path, params=asked)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    return answer.json()


def test_a_message_is_shown_with_its_recipients_and_its_timeline(everything, ids):
    message = found(everything, f"/v1/messages/{ids['failed']}")
    assert message["status"] == "failed"
    assert [(one["address"], one["status"], one["smtp_code"]) for one in message["recipients"]] == [
        ("bo@example.com", "failed", 550),
        ("cy@example.com", "suppressed", None),
    ]
    assert [one["kind"] for one in message["timeline"]] == ["accepted", "failed", "suppressed"]
    assert message["timeline"][1]["words"] == "5.1.1 unknown user"
    assert "text" not in message


def test_messages_are_found_by_what_programs_know_of_them(everything, ids):
    for asked, names in (
        ({"reference": "order-1", "domain": CODES}, {"sent"}),
        ({"reference": "order-1"}, {"sent", "news"}),
        ({"tag": "receipt"}, {"sent"}),
        ({"address": "CY@example.com"}, {"failed"}),
        ({"status": "failed"}, {"failed"}),
        ({"domain": NEWS}, {"news"}),
        ({"until": "2026-01-01T00:00:00+09:00"}, set()),
        ({"reference": "order-2"}, set()),
        ({"idempotency_key": "nobody's"}, set()),
    ):
        data = found(everything, "/v1/messages", **asked)["data"]
        assert {one["id"] for one in data} == {ids[name] for name in names}, asked


def test_pages_go_through_everything_once(everything, ids):
    seen, cursor = [], None
    while True:
        asked = {"limit": 1, **({"cursor": cursor} if cursor else {})}
        page = found(everything, "/v1/messages", **asked)
        seen += [one["id"] for one in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 3


def test_a_key_sees_its_sender_domains_and_no_others(codes, ids):
    assert {one["id"] for one in found(codes, "/v1/messages")["data"]} == {ids["sent"], ids["failed"]}
    assert {one["id"] for one in found(codes, "/v1/messages", reference="order-1")["data"]} == {ids["sent"]}
    assert problem(codes, f"/v1/messages/{ids['news']}", 404)["code"] == "message_not_found"
    assert [one["domain"] for one in found(codes, "/v1/domains")["data"]] == [CODES]
    for path in ("/v1/messages", "/v1/statistics", "/v1/events"):
        refused = problem(codes, path, 403, domain=NEWS)
        assert (refused["code"], refused["field"]) == ("api_key_domain_missing", "domain")
    assert problem(codes, f"/v1/domains/{NEWS}", 403)["code"] == "api_key_domain_missing"
    assert set(found(codes, "/v1/statistics")["time_zones"]) == {CODES}


def test_a_domain_has_its_plan_and_what_is_left_of_today(everything):
    domain = found(everything, f"/v1/domains/{CODES.upper()}")
    assert domain["domain"] == CODES
    quota = domain["quota"]
    assert (quota["mode"], quota["started_on"], quota["time_zone"]) == ("calendar", "2026-01-01", "Asia/Tokyo")
    assert quota["today"]["left"] == quota["today"]["allotment"] > 0
    assert problem(everything, "/v1/domains/nobody.example", 404)["code"] == "sender_domain_not_known"
    assert found(everything, f"/v1/domains/{CODES}/quota-days")["data"] == []


def test_statistics_have_sums_and_rates(everything):
    sums = found(everything, "/v1/statistics", by="sender_domain,day", days=7)
    assert sums["total"]["rates"]["bounce_rate"]["numerator"] == "bounced"
    assert problem(everything, "/v1/statistics", 400, by="weather")["field"] == "by"
    assert problem(everything, "/v1/statistics", 400, days=0)["field"] == "days"
    assert problem(everything, "/v1/statistics", 404, task="nobody")["code"] == "send_task_not_found"


def test_events_are_polled_with_a_cursor_that_is_always_there(everything, api, ids):
    first = found(everything, "/v1/events")
    assert (first["data"], first["more"]) == ([], False)
    conn = psycopg2.connect(api.dsn)
    with conn, conn.cursor() as cursor:
        cursor.execute(
            "INSERT INTO message_event (event_key, occurred_at, received_at, occurrence_id, seq, kind, source,"
            " source_id) SELECT gen_random_uuid(), now(), now() - interval '10 seconds', occurrence_id, first_seq,"
            " 'delivered', 'test', id"
            " FROM single_message WHERE sender_domain = %s AND reference = 'order-1'",
            (CODES,),
        )
    conn.close()
    page = found(everything, "/v1/events", cursor=first["next_cursor"])
    (event,) = page["data"]
    assert (event["kind"], event["message_id"], event["reference"]) == ("delivered", ids["sent"], "order-1")
    assert (event["recipient"], event["task"], event["tags"]) == ("ann@example.com", None, ["receipt"])
    assert found(everything, "/v1/events", cursor=page["next_cursor"])["data"] == []
    assert found(everything, "/v1/events", kind="opened,bounced")["data"] == []
    assert problem(everything, "/v1/events", 400, kind="sneezed")["field"] == "kind"


def test_what_is_unchanged_is_not_sent_again(everything, ids):
    path = f"/v1/messages/{ids['sent']}"
    tag = everything.get(path).headers["etag"]
    again = everything.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("path", "asked", "field"),
    [
        ("/v1/messages", {"refrence": "order-1"}, "refrence"),
        ("/v1/messages", {"limit": 501}, "limit"),
        ("/v1/messages", {"limit": "many"}, "limit"),
        ("/v1/messages", {"cursor": "AAAA"}, "cursor"),
        ("/v1/messages", {"since": "yesterday"}, "since"),
        ("/v1/messages", {"address": "no address"}, "address"),
        ("/v1/messages", {"status": "lost"}, "status"),
        ("/v1/messages", {"tag": "a\0b"}, "tag"),
        ("/v1/messages", [("tag", "a"), ("tag", "b")], "tag"),
        ("/v1/events", {"cursor": "WyJldmVudHMiLDEsMl0"}, "cursor"),
        ("/v1/domains", {"cursor": "x"}, "cursor"),
        ("/v1/statistics", {"until": "9999-12-31"}, "until"),
    ],
)
def test_a_wrong_parameter_is_named(everything, path, asked, field):
    answer = everything.get(path, params=asked)
    assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text


def test_odd_paths_find_nothing(everything):
    for path in ("/v1/messages/%00", "/v1/messages/" + "x" * 400, "/v1/messages/..%2f..", "/v1/domains/%ff"):
        assert everything.get(path).status_code in (400, 404), path
    assert problem(everything, "/v1/nothing", 404)["code"] == "no_such_resource"
