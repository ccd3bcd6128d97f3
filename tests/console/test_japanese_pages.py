"""No English sentence is left on a Japanese page, whatever is wrong: errors, stored reasons, forms, rejected rows."""

from __future__ import annotations

import json
import re

import pytest

from ses_ops.domain.occurrence import RunKind
from ses_ops.sending.freeze import freeze_audience
from tests.console.console_world import OWN_PAGE, PREFIX, visible_text
from tests.console.japanese_page import JAPANESE, english_sentences
from tests.integration.sending_world import DOMAIN, quota

TASK = {
    "name": "spring",
    "type": "immediate",
    "template": "hello",
    "sender": f"Shop <news@{DOMAIN}>",
    "group": "customers",
    "time_zone": "UTC",
}
TEST = {"recipients": "ann@b.example", "sender": f"Shop <news@{DOMAIN}>", "subject": "", "v.name": "Ann"}


class Reader:
    """A person whose browser asks for Japanese. `found` are the English sentences of all pages they saw."""

    def __init__(self, client) -> None:
        self.client = client
        self.found: list[str] = []

    def sees(self, path: str, status: int = 200) -> str:
        return self._reads(path, self.client.get(path, headers=JAPANESE), status)

    def sends(self, path: str, status: int = 422, **form: str) -> str:
        return self._reads(path, self.client.post(path, headers=JAPANESE, **form), status)

    def is_told(self, path: str, **form: str) -> str:
        """What the next page says after a form."""
        assert self.client.post(path, headers=JAPANESE, **form).status_code == 303
        return self.sees("/tasks")

    def uploads(self, path: str, content: bytes, status: int = 422, **form: str) -> str:
        files, headers = {"file": ("list.csv", content, "text/csv")}, {**OWN_PAGE, **JAPANESE}
        answer = self.client.http.post(PREFIX + path, data=form, files=files, headers=headers)
        if answer.status_code == 303:
            return self.sees(answer.headers["location"].removeprefix(PREFIX))
        return self._reads(path, answer, status)

    def _reads(self, path: str, answer, status: int) -> str:
        assert answer.status_code == status, (path, visible_text(answer.text))
        assert '<html lang="ja">' in answer.text or "/live/" in path, path
        self.found += [f"{path}: {text}" for text in english_sentences(answer.text)]
        return visible_text(answer.text)


@pytest.fixture
def reader(user):
    reader = Reader(user)
    yield reader
    assert not reader.found, "\n".join(reader.found)


def test_the_check_finds_an_english_sentence_and_only_that():
    page = '<p title="Try it again">x</p><p>It is late.</p><bdi>So it is</bdi><p lang="en">And so on</p><p>Ann Bell</p>'
    assert english_sentences(page) == ["Try it again", "It is late."]
    assert english_sentences("<p>割り当て: this is ours</p>") == []


PAGES = (
    *("/", "/tasks", "/tasks/spring", "/tasks/spring/edit", "/new-task", "/new-task?clone=spring", "/domains"),
    *("/templates", "/templates/hello", "/templates/hello?view=source", "/templates/hello/test", "/suppression"),
    *("/groups", "/groups/customers", "/groups/customers/upload", "/new-group", f"/domains/{DOMAIN}"),
    *("/suppression/add", "/suppression/import", "/suppression/remove?address=ann@b.example", "/suppression/undo"),
    *("/feedback", "/feedback/self-test", "/people", "/people?address=ann@b.example"),
)


def test_pages_as_they_are(world, reader):
    world.seed("spring", count=30, type="recurring", start_at="2099-01-01 09:00", every="1d", until="2099-02-01")
    world.seed("winter")
    world.outcome("winter", sent=5, failed=3, suppressed=2, unknown=1, cached=9)
    reader.is_told("/suppression/add", addresses="ann@b.example", reason="manual", note="", expires="")
    for path in (
        *PAGES,
        "/tasks/winter",
        "/live/task/winter",
        "/live/overview",
        "/live/overview-days",
        "/live/domains",
    ):
        reader.sees(path)
    reader.sends("/new-task/review", 200, **{**TASK, "name": "summer"})


def test_pages_of_errors(world, reader, anonymous, viewer, monkeypatch):
    world.seed("hello", count=5)
    assert "ページが見つかりません" in reader.sees("/nowhere", 404)
    assert "「nobody」という送信タスクはありません" in reader.sees("/tasks/nobody", 404)
    reader.sees("/groups/nobody", 404)
    reader.sees("/templates/nobody", 404)
    reader.sees("/domains/nobody.example", 404)
    reader.sees("/suppression/remove?address=ann@b.example", 404)
    reader.sees("/tasks/hello/pause", 405)
    Reader(anonymous).sees("/tasks", 401)
    stranger = Reader(viewer)
    stranger.sends("/tasks/hello/pause", 403)
    stranger.sees("/new-task", 403)
    foreign = {**JAPANESE, "Origin": "http://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    reader._reads("/tasks/hello/pause", reader.client.http.post(f"{PREFIX}/tasks/hello/pause", headers=foreign), 403)
    reader.sends("/tasks/hello/pause", 413, reason="x" * 300_000)
    reader.uploads("/tasks/hello/pause", b"x", 415)
    reader.found += stranger.found
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", "postgres://ses@127.0.0.1:1/ses")
    assert "ses データベースに接続できません" in reader.sees("/tasks/hello", 503)
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", "nonsense")
    assert "接続 URI ではありません" in reader.sees("/tasks/hello", 503)


def test_what_cannot_be_done_now(world, reader):
    world.seed("hello", count=5)
    world.outcome("hello", sent=2, cached=3)
    assert "未送信のメッセージが 3通あります" in reader.is_told("/tasks/hello/delete", confirmed="1")
    reader.is_told("/tasks/hello/cancel", confirmed="1")
    assert "送信タスク「hello」はキャンセルされています" in reader.is_told("/tasks/hello/pause")
    assert "送信タスク「hello」はキャンセルされています" in reader.is_told("/tasks/hello/retry-failed")
    assert "キャンセルされています" in reader.sees("/tasks/hello/edit", 409)
    reader.is_told("/groups/customers/delete", confirmed="1")


def test_why_mail_waits_or_a_task_stopped(world, reader):
    world.seed("late", type="scheduled", start_at="2099-01-01 09:00")
    world.execute("UPDATE send_task SET start_at = '2020-01-01'")
    (slot,) = world.rows("SELECT start_at FROM send_task")[0]
    freeze_audience(world.conn, world.run("late", RunKind.SCHEDULED, logical_at=slot), templates_root=world.templates)
    world.seed("odd", group="others")
    world.execute("UPDATE recipient_group SET variables = '{city}' WHERE name = 'others'")
    with pytest.raises(Exception, match="needs name"):
        world.freeze(world.run("odd"))
    world.seed("slow")
    world.outcome("slow", sent=2, cached=3)
    assert "許容範囲（start_grace）の 1 h を超えました" in reader.sees("/tasks/late")
    assert "テンプレートに必要な変数 name が受信者グループにありません（受信者グループ「others」）" in reader.sees(
        "/tasks/odd"
    )
    errors = (
        "nothing can be sent from 'b.example': day_length: must be an ISO 8601 duration from PT5S to PT24H, such as"
        " PT24H (a real day) or PT60S (a rehearsal), not 'long'",
        "AIRFLOW_CONN_SES_SMTP: port: 'x' is not a whole number",
        "template 'hello' (body.html): unexpected end of template, expected 'end of print statement'. (line 1)",
    )
    for error in errors:
        world.execute("UPDATE send_task SET error = %s WHERE name = 'slow'", error)
        for path in ("/tasks", "/live/tasks", "/tasks/slow", "/live/task/slow", "/live/overview", "/"):
            assert error not in reader.sees(path), path
    world.execute("UPDATE send_task SET error = NULL")
    reasons = (
        "127.0.0.1:25: cannot connect (Connection refused); check host and port",
        "no message got through for 60 s: mail.example.com:25: EHLO: no reply within 30 s",
        "the quota day ended",
        "421 4.7.0 Try again later",
    )
    for reason in reasons:
        world.execute("UPDATE chunk SET reason = %s", reason)
        reader.sees("/tasks/slow")
    assert "421 4.7.0 Try again later" in reader.sees("/tasks"), "a server's words stay its own"


def test_templates_that_cannot_be_used(world, reader):
    broken = {
        "a": {"body.txt": "Hi"},
        "b": {"subject.txt": "Hi", "body.txt": "Hi {{ name"},
        "c": {"subject.txt": "Hi", "body.html": "{% for x in y %}<p>Hi"},
        "d": {"subject.txt": "Hi\nyou", "body.txt": "Hi"},
        "e": {"subject.txt": "Hi", "body.txt": "Hi", "sample.json": "{"},
        "f": {"subject.txt": "Hi", "body.txt": "{% include 'nowhere/at-all.txt' %}"},
        "g": {"subject.txt": "Hi {{ name.first }}", "body.txt": "Hi", "sample.json": '{"name": "Ann"}'},
        "h": {"subject.txt": "Hi", "body.txt": "Hi {{ name|shout }}{% nonsense %}"},
        "i": {"subject.txt": "Hi", "body.txt": "Hi {{ _name }}"},
        "j": {"subject.txt": "Hi", "body.txt": "{% for x in [] recursive %}{% endfor %}"},
    }
    for name, files in broken.items():
        folder = world.templates / name
        folder.mkdir()
        for file, text in files.items():
            (folder / file).write_text(text)
    text = reader.sees("/templates")
    assert text.count("使用不可") == len(broken)
    for name in broken:
        assert re.search(r"テンプレート「.」", reader.sees(f"/templates/{name}")), name


def test_forms_that_cannot_be_used(world, reader, monkeypatch):
    world.seed("hello")
    wrong = (
        {"name": "-"},
        {"sender": "nobody"},
        {"sender": "Shop <a b@b.example>"},
        {"subject": "x" * 999},
        {"subject": "{{ name"},
        {"reply_to": "a..b@b.example"},
        {"unsubscribe_url": "ftp://b.example"},
        {"template": "nobody"},
        {"group": "nobody"},
        {"type": "scheduled", "start_at": "2020-01-01T09:00"},
        {"type": "scheduled", "start_at": "2099-02-30T09:00"},
        {"type": "scheduled", "start_at": "2099-01-01T09:00", "time_zone": "Mars"},
        {"type": "recurring", "start_at": "2099-01-01T09:00", "every_count": "0", "every_unit": "d"},
        {"type": "recurring", "repeat": "cron", "cron": "0 0 31 2 *"},
        {"start_grace": "soon"},
    )
    for change in wrong:
        assert "確認が必要な項目があります" in reader.sends("/new-task/review", **{**TASK, **change}), change
    for change in (
        {"recipients": "ann\na b@b.example\n.a@b.example\nann@-b.example"},
        {"sender": "nobody"},
        {"sender": "a@other.example"},
        {"subject": "Hi {{ name"},
        {"subject": "Hi {{ name.first }}"},
    ):
        reader.sends("/templates/hello/test", **{**TEST, **change})
    for variable in ({}, {DOMAIN: {"plan": 7}}, {DOMAIN: {**quota(5)[DOMAIN], "started_on": "2099-01-01"}}):
        monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(variable))
        assert DOMAIN in reader.sends("/templates/hello/test", **TEST)
    reader.sees("/templates/hello?group=customers&address=nobody")
    listed = "ann\na@b@b.example\nann@[127.0.0.1]\nann@b.1\nann@b..example"
    assert "ann@[127.0.0.1]" in reader.sends("/suppression/add", addresses=listed, reason="manual", note="", expires="")


def test_files_with_rows_that_cannot_be_used(world, reader):
    world.seed("hello")
    rows = b"email,city\nnobody,\xc3\xa9\na@b.example,Rome,x\na@b.example,Rome\nA@b.example,x\nb@b.example,\xff\n"
    rows += b'"c@b.example,x"y\n'
    text = reader.uploads("/groups/customers/upload", rows)
    assert "「nobody」に @ がありません" in text
    assert "同じアドレスが4行目にあります" in text
    assert "テンプレートに必要な変数 name が" in text, "tasks that no longer fit"
    listed = b"address,reason,expires\nann,manual,\na@b.example,whim,\nb@b.example,manual,soon\nc@b.example,manual,\n"
    text = reader.uploads("/suppression/import", listed, 200, reason="manual", address_column="")
    assert "「whim」は次のいずれでもありません" in text
    for content in (b"", b"name\nAnn\n", b"PK\x03\x04", b"email\nnobody\n", b"email;x\na@b.example;1\n"):
        reader.uploads("/suppression/import", content, 422, reason="manual", address_column="")
        reader.uploads("/groups/customers/upload", content, delimiter=",")
