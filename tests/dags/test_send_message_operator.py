"""SendMessageOperator and SesOpsHook, in Airflow and against a real API and a real mail server."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.application.secret_box import VARIABLE
from ses_ops.errors import NotSetUp
from ses_ops.orchestration.hooks import ses_ops_hook as hook_module
from ses_ops.orchestration.hooks.api_answer import ApiRefused, ApiUnavailable
from ses_ops.orchestration.hooks.ses_ops_hook import SesOpsHook
from ses_ops.orchestration.operators.send_message import HIDDEN, PRIVATE, SendMessageOperator, idempotency_key
from ses_ops.orchestration.triggers.message_final import MessageFinalTrigger
from tests.airflow_environment import in_environment
from tests.dags import bundles
from tests.integration.api.api_process import FERNET_KEY, ApiProcess, new_key
from tests.integration.api.sending_api import CODES, sending_api
from tests.recording_smtp import RecordingServer

FROM = f"Shop <orders@{CODES}>"
CONN = "AIRFLOW_CONN_SES_OPS_API"


@pytest.fixture(scope="module")
def relay() -> Iterator[RecordingServer]:
    with RecordingServer(refuse=lambda rcpt: b"550 5.1.1 no such user" if "nobody" in rcpt else None) as server:
        yield server


@pytest.fixture(scope="module")
def api(postgres, ses_template, tmp_path_factory, relay) -> Iterator[ApiProcess]:
    name = postgres.new_database(ses_template)
    process = sending_api(postgres.dsn(name), tmp_path_factory.mktemp("api") / "home", relay.uri)
    process.start()
    yield process
    process.kill()
    postgres.drop_database(name)


@pytest.fixture(scope="module")
def key(api):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, FERNET_KEY)
        return new_key(api.dsn, "airflow", scopes=("send", "read"), domains=(CODES,))


@pytest.fixture
def connection(api, key, monkeypatch, airflow_db):
    """Sets the Airflow connection; its port may be that of something before the API."""

    def use(port: int = 0, *, secret: str | None = None) -> None:
        given = {"conn_type": "ses_ops_api", "host": "127.0.0.1", "port": port or api.port, "schema": "http"}
        given |= {"login": key.key.id, "password": secret or key.secret}
        monkeypatch.setenv(CONN, json.dumps(given))

    monkeypatch.setattr(hook_module, "FIRST_WAIT", 0.05)
    use()
    return use


def context_of(**changes: Any) -> Any:
    """The context of a task instance, as far as the operator asks for it."""
    facts = {"dag_id": "shop", "run_id": f"manual__{time.time_ns()}", "task_id": "mail", "map_index": -1, **changes}
    return {"ti": SimpleNamespace(**facts)}


def operator(to: str = "ann@example.com", **more: Any) -> SendMessageOperator:
    fields = {"sender": FROM, "to": to, "subject": "Your order", "text": "Thank you.", **more}
    return SendMessageOperator(task_id="mail", poll_interval=0.1, **fields)


def mails_to(relay, address: str, seconds: float = 60) -> int:
    """How many mails an address got: one at least."""
    ends = time.monotonic() + seconds
    while not relay.accepted[address]:
        assert time.monotonic() < ends, f"no mail to {address}"
        time.sleep(0.05)
    time.sleep(0.3)  # for a second one, if there is one
    return relay.accepted[address]


@contextmanager
def in_front_of(api, answers: list[bytes | None]) -> Iterator[tuple[int, list[bytes]]]:
    """A server before the API: its port, and the requests that came.

    The first requests get these answers, without the API; None: the API does what is asked for, and the connection is
    cut before the client has the answer. Further requests are passed on.
    """
    listener, seen = socket.create_server(("127.0.0.1", 0)), []
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                request = read_message(client)
                if not request:
                    continue
                seen.append(request)
                answer = answers.pop(0) if answers else b""
                if answer:
                    client.sendall(answer)
                    continue
                with socket.create_connection(("127.0.0.1", api.port)) as server:
                    server.sendall(request.replace(b"onnection: keep-alive", b"onnection: close"))
                    from_api = read_message(server)
                if answer is not None:
                    client.sendall(from_api)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1], seen
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(20)


def read_message(peer: socket.socket) -> bytes:
    """A message of HTTP, with its body."""
    peer.settimeout(60)
    found = b""
    while b"\r\n\r\n" not in found:
        if not (block := peer.recv(65536)):
            return found
        found += block
    head, _, body = found.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0]):
        body += peer.recv(65536)
    return head + b"\r\n\r\n" + body


def refusal(status: int, **headers: str) -> bytes:
    """An answer such as a proxy, or a copy that ends, gives."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} No\r\n{lines}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()


def test_a_message_is_accepted_and_arrives(connection, relay):
    done = operator("first@example.com", reference="order-1", tags=["receipt"]).execute(context_of())
    assert (done["status"], done["recipients"]) == ("accepted", {"queued": 1})
    assert mails_to(relay, "first@example.com") == 1
    assert b"Thank you." in relay.contents["first@example.com"]


def test_whatever_repeats_a_task_instance_nobody_is_mailed_twice(connection, relay):
    context, other = context_of(), context_of(map_index=1)
    ids = [operator("again@example.com").execute(context)["id"] for _ in range(3)]
    assert len(set(ids)) == 1
    assert mails_to(relay, "again@example.com") == 1
    assert operator("again@example.com").execute(other)["id"] not in ids
    assert operator("again@example.com", idempotency_key="my-own").execute(context)["id"] not in ids


def test_an_answer_that_is_lost_on_the_way_is_asked_for_again(api, connection, relay):
    with in_front_of(api, [None, None]) as (port, requests):
        connection(port)
        done = operator("lost@example.com").execute(context_of())
    assert len(requests) == 3
    assert len({request.split(b"dempotency-", 1)[1].split(b"\r\n")[0] for request in requests}) == 1
    assert done["status"] == "accepted"
    assert mails_to(relay, "lost@example.com") == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 408])
def test_what_may_pass_is_asked_for_again_and_as_soon_as_the_api_says(api, connection, relay, status):
    to = f"later-{status}@example.com"
    with in_front_of(api, [refusal(status, Retry_After="1")]) as (port, requests):
        connection(port)
        began = time.monotonic()
        operator(to).execute(context_of())
    assert len(requests) == 2
    assert time.monotonic() - began >= 1
    assert mails_to(relay, to) == 1


def test_an_api_that_wants_to_be_left_alone_for_long_is_left_to_the_retries_of_airflow(api, connection):
    with in_front_of(api, [refusal(503, Retry_After="3600")]) as (port, requests):
        connection(port)
        with pytest.raises(AirflowException, match="503") as raised:
            operator().execute(context_of())
    assert not isinstance(raised.value, AirflowFailException)
    assert len(requests) == 1


def test_an_api_that_is_away_is_worth_a_retry(connection):
    connection(1)
    with pytest.raises(AirflowException, match="cannot be reached") as raised:
        operator().execute(context_of())
    assert not isinstance(raised.value, AirflowFailException)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"to": "nobody-at-all"}, "400"),
        ({"sender": "a@other.example.com"}, "403"),
        ({"text": None, "template": "nothing"}, "template"),
        ({"subject": "{{ missing }}"}, "missing"),
        ({"subject": "a\r\nBcc: everybody@example.com"}, "400"),
        ({"headers": {"Received": "x"}}, "400"),
    ],
)
def test_what_the_api_refuses_fails_at_once_with_its_reason(connection, more, says):
    with pytest.raises(AirflowFailException, match=says):
        operator(**more).execute(context_of())


def test_a_wrong_secret_fails_at_once_and_is_shown_nowhere(connection, caplog):
    connection(secret="a-wrong-secret-of-ours")
    with pytest.raises(AirflowFailException, match="401") as raised:
        operator().execute(context_of())
    chain, texts = raised.value, []
    while chain is not None:
        texts.append(repr(chain))
        chain = chain.__cause__
    assert "a-wrong-secret-of-ours" not in caplog.text + "".join(texts) + repr(SesOpsHook().address())


def test_other_content_under_the_key_of_a_message_that_was_sent_says_so(connection, relay):
    context = context_of()
    operator("twice@example.com").execute(context)
    with pytest.raises(AirflowFailException, match="an earlier try of this task instance"):
        operator("twice@example.com", text="Something else.").execute(context)
    assert mails_to(relay, "twice@example.com") == 1


def test_a_page_that_is_not_the_api_is_told_apart(api, connection):
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
    with in_front_of(api, [page] * 4) as (port, _):
        connection(port)
        with pytest.raises(AirflowException, match="not answered by the API"):
            operator().execute(context_of())


def test_the_wait_for_the_mail_server_ends_with_what_it_said(connection, relay):
    done = operator("waited@example.com", wait_for="sent", deferrable=False).execute(context_of())
    assert (done["status"], done["recipients"], relay.accepted["waited@example.com"]) == ("sent", {"sent": 1}, 1)
    with pytest.raises(AirflowFailException, match="not sent to everybody"):
        operator("nobody@example.com", wait_for="sent", deferrable=False).execute(context_of())
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    waiting = {"wait_for": "sent", "deferrable": False, "wait_timeout": 0.3}
    with pytest.raises(AirflowFailException, match="wait_timeout"):
        operator("later@example.com", send_at=later, **waiting).execute(context_of())


async def event_from(trigger: MessageFinalTrigger) -> dict[str, Any]:
    path, kwargs = trigger.serialize()
    assert path == "ses_ops.orchestration.triggers.message_final.MessageFinalTrigger"
    async for event in MessageFinalTrigger(**json.loads(json.dumps(kwargs))).run():
        return event.payload
    raise AssertionError("no event")


def test_the_trigger_waits_through_an_outage_and_keeps_neither_secret_nor_address(api, connection, key):
    done = operator("triggered@example.com").execute(context_of())
    trigger = MessageFinalTrigger(
        ses_ops_conn_id="ses_ops_api", message_id=done["id"], poll_interval=0.1, until=time.time() + 120
    )
    assert key.secret not in str(trigger.serialize())
    with in_front_of(api, [refusal(503), refusal(502)]) as (port, requests):
        connection(port)
        event = asyncio.run(event_from(trigger))
        assert len(requests) >= 3
    assert event["message"]["recipients"] == {"sent": 1}
    assert "triggered@example.com" not in str(event)
    unknown = MessageFinalTrigger(
        ses_ops_conn_id="ses_ops_api", message_id="nothing", poll_interval=0.1, until=time.time() + 120
    )
    connection()
    assert "404" in asyncio.run(event_from(unknown))["problem"]
    connection(1)
    unknown.until = 0
    assert asyncio.run(event_from(unknown)) == {"timeout": True}


DAG_FILE = """
from airflow.sdk import DAG, task
from ses_ops.orchestration.operators.send_message import SendMessageOperator

with DAG("shop", schedule=None, params={{"code": ""}}):
    @task
    def people():
        return [
            {{"to": f"{{name}}@example.com", "values": {{"name": name, "lines": [1, 2]}}}} for name in {names!r}
        ]
    SendMessageOperator.partial(
        task_id="mail",
        sender="Shop <orders@codes.example.com>",
        subject="Code {{{{ params.code }}}}",
        text="{{% raw %}}Dear {{{{ name }}}},{{% for one in lines %}} {{{{ one }}}}{{% endfor %}}{{% endraw %}}",
        reference="order-{{{{ params.code }}}}",
        wait_for="sent",
        deferrable=True,
        poll_interval=0.1,
    ).expand_kwargs(people())
"""


@pytest.fixture
def shop(connection, tmp_path):
    """Makes a DAG that mails people, and runs it; returns the run."""
    folder = tmp_path / "own"
    folder.mkdir()

    def run(names: list[str]) -> Any:
        from airflow.dag_processing.dagbag import DagBag

        (folder / "shop.py").write_text(DAG_FILE.format(names=names))
        return DagBag(dag_folder=str(folder), bundle_name="own").dags["shop"].test(run_conf={"code": "394021"})

    with in_environment(bundles.configured([bundles.local("own", folder)], tmp_path / "bundles")):
        yield run


def test_mapped_tasks_mail_each_of_many_and_airflow_shows_nothing_of_it(shop, relay):
    run = shop(["map-ann", "map-bo", "map-cy"])
    assert str(run.state.value) == "success"
    for name in ("map-ann", "map-bo", "map-cy"):
        assert mails_to(relay, f"{name}@example.com") == 1
        mail = message_from_bytes(relay.contents[f"{name}@example.com"], policy=policy.default)
        assert (mail["subject"], mail.get_content().strip()) == ("Code 394021", f"Dear {name}, 1 2")
    kept = everything_kept(run)
    assert "order-394021" in kept, "what is shown is shown"
    for private in ("Code 394021", "map-ann@example.com", "Dear "):
        assert private not in kept


def everything_kept(run: Any) -> str:
    """What Airflow keeps of the tasks `mail`: rendered fields, results."""
    from airflow.models.renderedtifields import RenderedTaskInstanceFields
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        fields = session.scalars(select(RenderedTaskInstanceFields).where(RenderedTaskInstanceFields.task_id == "mail"))
        results = session.scalars(select(XComModel).where(XComModel.task_id == "mail"))
        found = [one.rendered_fields for one in fields]
        assert len(found) == 3
        return json.dumps([found, [str(one.value) for one in results]])


def test_a_recipient_whom_the_server_refuses_fails_its_own_task_alone(shop, relay):
    run = shop(["map-dee", "nobody"])
    states = {one.map_index: str(one.state) for one in run.get_task_instances() if one.task_id == "mail"}
    assert states == {0: "success", 1: "failed"}


def test_private_fields_are_hidden_once_they_are_filled_in():
    task = operator(cc="bo@example.com", values={"code": "1"})
    task._hide()
    assert {name: getattr(task, name) for name in PRIVATE if getattr(task, name) is not None} == dict.fromkeys(
        ("to", "cc", "subject", "text", "values"), HIDDEN
    )
    assert task._message()["values"] == {"code": "1"}


_NAMES = st.text(min_size=1, max_size=250)


@given(st.lists(st.tuples(_NAMES, _NAMES, _NAMES, st.integers(-1, 1000)), min_size=2, max_size=5, unique=True))
def test_every_task_instance_has_a_key_of_its_own_that_the_api_takes(instances):
    names = ("dag_id", "run_id", "task_id", "map_index")
    keys = [idempotency_key(**dict(zip(names, one, strict=True))) for one in instances]
    assert len(set(keys)) == len(keys)
    assert all(key.isascii() and key.isprintable() and " " not in key and len(key) <= 255 for key in keys)
    assert keys == [idempotency_key(**dict(zip(names, one, strict=True))) for one in instances]


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"host": "mail.example.com"}, "http://mail.example.com:8060"),
        ({"host": "mail.example.com", "schema": "https", "port": 443}, "https://mail.example.com:443"),
        ({"host": "https://mail.example.com/api/"}, "https://mail.example.com/api"),
        ({"host": "https://mail.example.com:8443", "port": 1}, "https://mail.example.com:8443"),
        ({"host": "https://user:word@mail.example.com"}, "https://mail.example.com"),
        ({"host": "::1"}, "http://[::1]:8060"),
        ({"host": "[::1]", "port": 80}, "http://[::1]:80"),
    ],
)
def test_the_address_is_that_of_the_connection(monkeypatch, airflow_db, given, url):
    monkeypatch.setenv(CONN, json.dumps({"conn_type": "ses_ops_api", "login": "AKIDx", "password": "s", **given}))
    assert SesOpsHook().address().url == url


@pytest.mark.parametrize(
    "wrong",
    [{"host": ""}, {"login": ""}, {"password": ""}, {"schema": "ftp"}, {"host": "http://a:port"}, {"host": "[::1"}],
    ids=str,
)
def test_a_connection_that_lacks_something_says_what_it_needs(monkeypatch, airflow_db, wrong):
    given = {"conn_type": "ses_ops_api", "host": "mail.example.com", "login": "AKIDx", "password": "s", **wrong}
    monkeypatch.setenv(CONN, json.dumps(given))
    with pytest.raises(NotSetUp, match="the Airflow connection ses_ops_api"):
        SesOpsHook().address()


def test_the_button_that_tests_a_connection_says_whether_the_key_is_known(api, connection):
    assert SesOpsHook().test_connection()[0]
    connection(secret="wrong")
    works, says = SesOpsHook().test_connection()
    assert (works, "401" in says) == (False, True)
    connection(1)
    assert not SesOpsHook().test_connection()[0]


def test_a_hook_asks_for_anything_else_of_the_api(api, connection):
    done = operator("asked@example.com").execute(context_of())
    hook = SesOpsHook()
    assert hook.message(done["id"])["id"] == done["id"]
    assert hook.request("GET", "/v1/messages", params={"address": "asked@example.com"})["data"][0]["id"] == done["id"]
    with pytest.raises(ApiRefused) as refused:
        hook.message("no-such-id")
    assert (refused.value.status, refused.value.problem) == (404, "message_not_found")
    connection(1)
    with pytest.raises(ApiUnavailable):
        SesOpsHook().message(done["id"])


def test_airflow_offers_the_form_of_the_connection(airflow_db):
    """By the entry point of the installed package."""
    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

    (form,) = [one for one in HookMetaService.hook_meta_data() if one.connection_type == SesOpsHook.conn_type]
    assert (form.hook_name, form.hook_class_name) == ("ses-ops API", f"{SesOpsHook.__module__}.{SesOpsHook.__name__}")
    assert form.standard_fields.login.title == "Key id"
    assert SesOpsHook.get_ui_field_behaviour()["relabeling"]["password"] == form.standard_fields.password.title
