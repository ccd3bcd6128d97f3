"""`ses doctor` about what comes back: the public listener, the bounce domains, the feeds."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from ses_ops.cli import checks
from ses_ops.transports.mail_exchangers import mail_exchangers
from tests.integration.public.listener_process import ListenerProcess
from tests.integration.sending_world import DOMAIN


@pytest.fixture
def found(ses, monkeypatch):
    """Runs one check of the doctor: [(state, text)]."""

    def run(name: str) -> list[tuple[str, str]]:
        monkeypatch.setattr(checks, "_CHECKS", [one for one in ALL if one[0] == name])
        return [(one["state"], one["text"]) for one in ses("doctor", "--json").json]

    return run


ALL = checks._CHECKS


@contextmanager
def web(status: int, body: bytes) -> Iterator[str]:
    """A web server with one answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def name_server(monkeypatch):
    """A name server on a port, which this process asks: {name: [MX records] or None for NXDOMAIN}."""
    zone: dict[str, list[str] | None] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                asked, client = listening.recvfrom(4096)
                if not asked:
                    return
                query = dns.message.from_wire(asked)
                answer = dns.message.make_response(query)
                answer.flags |= dns.flags.RA
                name = query.question[0].name
                records = zone.get(name.to_text(omit_final_dot=True))
                if records:
                    answer.answer.append(dns.rrset.from_text(name, 60, "IN", "MX", *records))
                elif records is None:
                    answer.set_rcode(dns.rcode.NXDOMAIN)
                listening.sendto(answer.to_wire(), client)

        thread = threading.Thread(target=serve)
        thread.start()
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], listening.getsockname()[1]
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        monkeypatch.setattr("ses_ops.transports.mail_exchangers.ANSWER_WITHIN", 30.0)
        yield zone
        listening.sendto(b"", listening.getsockname())
        thread.join()


def test_without_an_address_the_doctor_says_what_is_not_possible(found):
    ((state, text),) = found("public")
    assert (state, "SES_PUBLIC_URL is not set" in text) == ("warn", True)


def test_a_listener_that_runs_is_found_and_one_that_was_ended_is_missed(found, ses_dsn, tmp_path, monkeypatch):
    listener = ListenerProcess(ses_dsn, tmp_path / "spool")
    monkeypatch.setenv("SES_PUBLIC_URL", listener.url)
    try:
        listener.start()
        assert found("public") == [("ok", f"the public listener answers at {listener.url}")]
    finally:
        listener.kill()
    ((state, text),) = found("public")
    assert state == "warn"
    assert "does not answer from this machine (" in text
    assert "Connection refused" in text


@pytest.mark.parametrize(
    ("status", "body", "state", "says"),
    [
        (503, b'{"status": "failing"}', "FAIL", "says: failing"),
        (200, b'{"status": "degraded", "database": "away"}', "warn", "says: degraded"),
        (200, b"<html>welcome to nginx</html>", "FAIL", "answers 200, but not as"),
        (404, b'{"status": ["ok"]}', "FAIL", "answers 404, but not as"),
        (200, b"[" * 5_000, "FAIL", "answers 200, but not as"),
        (200, b'"ok"', "FAIL", "answers 200, but not as"),
    ],
)
def test_another_answer_is_told(ses, monkeypatch, status, body, state, says):
    monkeypatch.setattr(checks, "_CHECKS", [one for one in ALL if one[0] == "public"])
    with web(status, body) as url:
        monkeypatch.setenv("SES_PUBLIC_URL", url)
        told = ses("doctor").out
    assert told.startswith(state), told
    assert says in told


def test_each_domain_is_told_with_the_hosts_that_take_its_bounces(found, world, name_server):
    zone = {"a.ses": ["20 later.a.ses.", "10 first.a.ses."], "none.ses": [], "null.ses": ["0 ."]}
    name_server.update(zone)
    for number, bounces in enumerate([*zone, "typo.ses", "bounces.example"]):
        world.execute("INSERT INTO sender_domain (domain, bounce_domain) VALUES (%s, %s)", f"{number}.example", bounces)
    told = dict(zip(["0", "1", "2", "3", "4", DOMAIN], found("bounces"), strict=True))
    assert told["0"] == ("ok", "0.example: bounces go to a.ses, by MX to first.a.ses, later.a.ses")
    for number in ("1", "2", "3"):
        assert told[number][0] == "warn"
        assert "has no MX record, so no bounce arrives" in told[number][1]
    assert told["4"] == (
        "ok",
        "4.example: bounces go to bounces.example; no name server says whether it has an MX record",
    )
    assert told[DOMAIN][0] == "warn"
    assert f"{DOMAIN}: no bounce domain" in told[DOMAIN][1]


def test_a_name_server_that_does_not_answer_is_no_fault_of_the_domain(monkeypatch):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], silent.getsockname()[1]
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        monkeypatch.setattr("ses_ops.transports.mail_exchangers.ANSWER_WITHIN", 0.3)
        assert mail_exchangers("a.ses") is None


def test_feeds_are_told_with_what_they_brought_and_refused(found, world):
    assert found("feeds") == [("ok", "no feed has brought an event yet")]
    world.execute(
        "INSERT INTO event_feed (source, last_at, events, unmatched)"
        " VALUES ('bounce_mail', '2026-12-01 08:05Z', 1200, 3)"
    )
    world.execute(
        "INSERT INTO event_feed (source, refused, last_refusal) VALUES ('mailgun', 7, 'the signature is wrong')"
    )
    (bounces, mailgun) = found("feeds")
    assert bounces == ("ok", "bounce_mail: 1,200 events, the last at 2026-12-01 08:05 UTC; 3 matched no message")
    assert mailgun[0] == "warn"
    assert mailgun[1].endswith("7 requests were refused, the last: the signature is wrong")


def test_much_mail_from_which_nothing_comes_back_is_told(found, world):
    world.group("customers", 1)
    world.task("hello", group="customers")
    world.whole_run(world.run("hello"))
    world.execute("UPDATE attempt SET sent = 12000")
    ((state, text),) = found("feeds")
    assert state == "warn"
    assert text.startswith("12,000 messages were sent in the last 24 hours, and no feed told")
