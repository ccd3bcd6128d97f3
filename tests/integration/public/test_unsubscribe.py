"""Unsubscribing by the listener's own process: one click, the page, what must not count."""

from __future__ import annotations

import pytest

from ses_ops.application.token_rotation import rotate_token_secret
from ses_ops.events.tokens import Purpose
from tests.actors import ANYBODY
from tests.integration.sending_world import DOMAIN

ONE_CLICK = "List-Unsubscribe=One-Click"
#: A request as Gmail's servers send it.
GMAIL = {
    "User-Agent": "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Content-Type": "application/x-www-form-urlencoded",
    "Accept-Encoding": "gzip, deflate, br",
    "From": "googlebot(at)googlebot.com",
    "Accept": "*/*",
}
#: RFC 8058 3.2 allows multipart/form-data too, as Yahoo's servers send.
MULTIPART_ODD = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
MULTIPART = (
    b'------=_Part_1\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n'
    b"------=_Part_1--\r\n"
)
YAHOO = {"User-Agent": "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"}
YAHOO["Content-Type"] = 'multipart/form-data; boundary="----=_Part_1"'


def test_one_click_unsubscribes_as_gmail_and_yahoo_ask_and_again(recipients):
    client = recipients.client
    first = client.post(recipients.link(1), headers=GMAIL, content=ONE_CLICK)
    assert (first.status_code, first.history, first.headers.get("set-cookie")) == (200, [], None)
    assert client.post(recipients.link(2), headers=YAHOO, content=MULTIPART).status_code == 200
    for _ in range(3):
        assert client.post(recipients.link(1), headers=GMAIL, content=ONE_CLICK).status_code == 200
    assert set(recipients.events()) == {
        (1, "unsubscribed", "one_click"),
        (2, "unsubscribed", "one_click"),
    }
    assert recipients.suppressed() == [
        ("Ann@example.org", DOMAIN, "unsubscribe"),
        ("bob@example.net", DOMAIN, "unsubscribe"),
    ]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("multipart/form-data; boundary=x", MULTIPART_ODD.replace(b"\r\n", b"\n")),
        ("multipart/form-data; boundary=x", MULTIPART_ODD.removesuffix(b"--\r\n")),
        ("multipart/form-data; boundary=x", MULTIPART_ODD.replace(b'Unsubscribe"', b'Unsubscribe"; filename="a"')),
        ("multipart/form-data", MULTIPART_ODD),
        ("application/x-www-form-urlencoded", b"list-unsubscribe=one-click\r\n"),
    ],
)
def test_one_click_of_a_program_that_writes_no_good_forms_unsubscribes(recipients, kind, content):
    answer = recipients.client.post(recipients.link(1), headers={"Content-Type": kind}, content=content)
    assert answer.status_code == 200
    assert recipients.events() == [(1, "unsubscribed", "one_click")]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"])
def test_what_is_no_post_changes_nothing(recipients, method):
    answer = recipients.client.request(method, recipients.link(1), params={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == (200 if method in ("GET", "HEAD") else 405)
    assert recipients.events() == []


def test_a_post_without_a_wish_shows_the_page_and_changes_nothing(recipients):
    for body in (b"", b"x=1", b"List-Unsubscribe=yes", b"wants=everything", b"\xff\xfe\x00=\x00"):
        answer = recipients.client.post(recipients.link(1), content=body, headers={"Content-Type": "text/plain"})
        assert (answer.status_code, "<form" in answer.text) == (400, True)
    assert recipients.events() == []


def test_the_page_leaves_and_comes_back_and_leaves(recipients):
    link, client = recipients.link(1), recipients.client
    page = client.get(link)
    assert "A***@example.org" in page.text
    assert "Ann" not in page.text
    assert DOMAIN in page.text
    done = client.post(link, data={"wants": "leave"})
    assert "You are unsubscribed" in done.text
    assert "You are unsubscribed" in client.get(link).text
    assert recipients.suppressed() == [("Ann@example.org", DOMAIN, "unsubscribe")]
    back = client.post(link, data={"wants": "return"})
    assert "You are subscribed again" in back.text
    assert recipients.suppressed() == []
    client.post(link, data={"wants": "leave"})
    assert recipients.suppressed() == [("Ann@example.org", DOMAIN, "unsubscribe")]
    assert [kind for _, kind, _ in recipients.events()] == ["unsubscribed", "resubscribed", "unsubscribed"]


def test_an_old_link_unsubscribes_after_a_person_re_admitted_the_address(recipients):
    link, world = recipients.link(1), recipients.mailing.world
    recipients.client.post(link, content=ONE_CLICK, headers=GMAIL)
    recipients.wait()
    with world.conn, world.conn.cursor() as cursor:
        cursor.execute("DELETE FROM suppression")
    recipients.client.post(link, content=ONE_CLICK, headers=GMAIL)
    assert recipients.suppressed() == [("Ann@example.org", DOMAIN, "unsubscribe")]


def test_a_damaged_link_still_works(recipients):
    token = recipients.token(2)
    for path in (
        token.upper(),
        token + "=",
        token + "%20",
        token + "%3E",
        token + ".",
        token + "/",
        token + "%2f",
        f"{token[:30]}=%0D%0A{token[30:]}",
        f"{token}?utm_source=x&mc_cid=%ZZ",
        f"{token}#top",
    ):
        assert "b***@example.net" in recipients.client.get(f"/u/{path}").text, path


def test_a_token_that_is_not_valid_has_the_same_page_whatever_is_wrong(recipients):
    token = recipients.token(1)
    other = "".join("1" if char == "0" else "0" for char in token)
    wrong = [
        other,
        token[:-1],
        token + "0",
        "",
        "x",
        recipients.token(1, purpose=Purpose.BOUNCE),
        recipients.token(1, purpose=Purpose.EVENT),
        "%00",
        "..%2f" + token,
        "é" * 56,
        "0" * 3000,
    ]
    answers = {(one.status_code, one.text) for one in (recipients.client.get(f"/u/{path}") for path in wrong)}
    assert len(answers) == 1
    ((status, text),) = answers
    assert (status, "does not work" in text) == (404, True)
    for path in wrong:
        assert recipients.client.post(f"/u/{path}", content=ONE_CLICK, headers=GMAIL).status_code == 404
    assert recipients.events() == []


def test_a_link_of_a_message_that_is_gone_looks_as_any_other(recipients):
    link, world = recipients.link(3), recipients.mailing.world
    with world.conn, world.conn.cursor() as cursor:
        cursor.execute("DELETE FROM message WHERE occurrence_id = %s AND seq = 3", (recipients.mailing.occurrence_id,))
    page = recipients.client.get(link)
    assert (page.status_code, "Do you want to stop" in page.text) == (200, True)
    assert recipients.client.post(link, content=ONE_CLICK, headers=GMAIL).status_code == 200
    recipients.wait()
    assert world.rows("SELECT source, kind::text FROM unmatched_event") == [("one_click", "unsubscribed")]


def test_nothing_else_is_reachable_and_every_answer_has_the_headers(recipients):
    link = recipients.link(1)
    for path in ("/", "/u", "/u/", "/ses", "/api/v2/dags", f"{link}/x", "/docs", "/openapi.json", "//u"):
        assert recipients.client.get(path).status_code == 404, path
    assert recipients.client.get("/robots.txt").text == "User-agent: *\nDisallow: /\n"
    for path in ("/", link, "/health", "/robots.txt", "/u/wrong"):
        headers = recipients.client.get(path).headers
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-robots-tag"] == "noindex, nofollow"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "script-src" not in headers["content-security-policy"]
        assert not {"set-cookie", "server"} & set(headers)
    assert recipients.client.get("/health").json()["status"] == "ok"


def test_a_token_never_gets_into_the_log(recipients):
    token = recipients.token(1)
    for path in (f"/u/{token}", f"/u/{token.upper()}=", f"//u/{token}", f"/x/{token}"):
        recipients.client.get(path)
        recipients.client.post(path, content=ONE_CLICK, headers=GMAIL)
    log = recipients.listener.log.lower()
    assert token not in log
    assert "post /u/... 200" in log


def test_valid_tokens_of_one_address_are_never_limited_and_wrong_ones_are(recipients):
    for _ in range(70):
        last = recipients.client.get("/u/wrong")
    assert last.status_code == 429
    assert recipients.client.post(recipients.link(1), content=ONE_CLICK, headers=GMAIL).status_code == 200
    assert recipients.client.get(recipients.link(2)).status_code == 200


def test_one_token_cannot_fill_the_table_and_who_came_back_can_leave(recipients):
    link, client = recipients.link(1), recipients.client
    statuses = [client.post(link, content=ONE_CLICK, headers=GMAIL).status_code for _ in range(30)]
    assert statuses[:20] == [200] * 20
    assert set(statuses[20:]) == {429}
    backs = [client.post(link, data={"wants": "return"}).status_code for _ in range(12)]
    assert backs == [200] * 10 + [429] * 2
    assert client.post(link, data={"wants": "leave"}).status_code == 200
    assert recipients.suppressed() == [("Ann@example.org", DOMAIN, "unsubscribe")]


def test_a_token_of_a_new_secret_works_at_once_and_those_of_older_ones_go_on(recipients):
    old = recipients.link(1)
    for _ in range(3):
        rotate_token_secret(recipients.mailing.world.conn, ANYBODY)
        new = recipients.link(1)
        assert new != old
        assert recipients.client.get(new).status_code == 200
    assert recipients.client.get(old).status_code == 200
