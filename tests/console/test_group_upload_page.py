"""Uploading a CSV file: what becomes of it, what is said of a wrong one, and that nothing is imported by half."""

from __future__ import annotations

import asyncio
import re
import time

import pytest

from tests.console.console_world import OWN_PAGE, PREFIX, token, visible_text

GOOD = b"email,name\nann@b.example,Ann\nben@b.example,Ben\n"
JAPANESE = {"Accept-Language": "ja"}


def upload(
    client, content: bytes, path: str = "/groups/customers/upload", headers=None, file_name="f.csv", **texts: str
):
    return client.http.post(
        PREFIX + path,
        data=texts,
        files={"file": (file_name, content, "text/csv")},
        headers=OWN_PAGE if headers is None else headers,
    )


def content(world) -> list[tuple[str, dict]]:
    return world.rows("SELECT address, values FROM recipient ORDER BY group_id, position")


def error_of(answer, field: str) -> str:
    found = re.search(rf'<p class="error" id="{field}-error">(.*?)</p>', answer.text, re.DOTALL)
    assert found, visible_text(answer.text)
    return visible_text(found[1])


def test_a_new_group_is_made_of_a_file_and_the_result_says_what_was_done(world, user):
    rows = "email,name\n=x,Ä\nann@b.example,Ann\nANN@b.example,Again\n".encode() + b"\xff@b.example,X\n"
    answer = upload(user, rows, "/new-group", file_name="spring.csv", name="customers", description="All of them")
    assert answer.status_code == 303, visible_text(answer.text)
    path = answer.headers["location"].removeprefix(PREFIX)
    text = user.text(path)
    assert "Import of spring.csv" in text
    assert "1 in a new group" in text
    assert "Left out 3" in text
    for reason in ("The address cannot exist 1", "The same address again 1", "Not UTF-8 1"):
        assert reason in text
    report = user.get(f"{path}/rejected.csv")
    assert report.headers["content-disposition"].startswith('attachment; filename="customers-rejected.csv"')
    assert report.content.decode("utf-8-sig").splitlines()[:2] == [
        "line,reason,text",
        "2," + report.content.decode("utf-8-sig").splitlines()[1].split(",", 1)[1],
    ]
    assert ',"\'=x,Ä"' in report.text
    assert content(world) == [("ann@b.example", {"name": "Ann"})]
    group = user.text("/groups/customers")
    assert "All of them" in group
    assert "spring.csv" in group
    row, export = world.audit_log()
    assert row["event"] == "ses_import_group"
    assert row["extra"] == {"group": "customers", "file": "spring.csv", "recipients": 1, "rejected": 3}
    assert (export["event"], export["extra"]) == ("ses_export_rejected", {"group": "customers", "file": "spring.csv"})


def test_a_file_takes_the_place_of_what_a_group_held_and_keeps_its_description(world, user):
    world.group("customers", 3)
    world.execute("UPDATE recipient_group SET description = 'ours'")
    assert upload(user, GOOD).status_code == 303
    assert [address for address, _ in content(world)] == ["ann@b.example", "ben@b.example"]
    assert world.rows("SELECT recipient_count, description FROM recipient_group") == [(2, "ours")]


def test_tasks_that_no_longer_fit_are_named(world, user):
    world.seed("hello")
    answer = upload(user, b"email,city\nann@b.example,Oslo\n")
    text = user.text(answer.headers["location"].removeprefix(PREFIX))
    assert "Send tasks that no longer fit this group" in text
    assert "hello" in text
    assert "the template needs name" in text


#: The file, the form, the field that the error belongs to, and its words.
WRONG = [
    (b"", {}, "file", "The file is empty"),
    (b"email,name\n", {}, "file", "no rows below it"),
    (b"ann@b.example,Ann\n", {}, "file", "There is no header: the first row holds the address ann@b.example"),
    (b"contact,name\nann@b.example,A\n", {}, "address_column", "Write here which one holds the address: contact"),
    (b"mail,email\na@b.example,x\n", {}, "address_column", "Write here which one: mail, email"),
    (GOOD, {"address_column": "who"}, "address_column", "no column who. It has: email, name"),
    (b"email,name,\n", {}, "file", "Column 3 has no name"),
    (b"email,name,name\n", {}, "file", "names name more than once"),
    (b"email,first name\n", {}, "file", "The column first name cannot be a variable"),
    (b"email;name\n", {"delimiter": ","}, "delimiter", "separated by another character: Semicolon"),
    (b"email,pr\xe9nom\n", {}, "encoding", "byte 0xE9 in line 1). As cp1252 that line would read: email,prénom"),
    (b"email,pr\xe9nom\na@b.example,\xc3\xa9\n", {}, "file", "not UTF-8 (byte 0xE9 in line 1)"),
    (b"email,name\na@b.example,~{VPND~}\n", {}, "encoding", "The file is written in HZ"),
    (GOOD + b"\xff\xff", {"encoding": "euc_jp"}, "encoding", "The file is not euc_jp, or it is damaged"),
    (GOOD, {"encoding": "klingon"}, "encoding", "There is no such encoding"),
    (b"\xd0\xcf\x11\xe0 a workbook", {}, "file", "This is a workbook"),
    (b"\x1f\x8b\x08", {}, "file", "The file is compressed (gzip)"),
    (b"%PDF-1.7", {}, "file", "another format (PDF)"),
    ("email，name\n".encode(), {}, "file", "full-width ， in it. Write the ASCII character ,"),
    ("email,name,ｎａｍｅ\n".encode(), {}, "file", "one and the same to a template"),
    (b"email,na\0me\n", {}, "file", "NUL bytes"),
    (b'email,"name\na@b.example,A\n', {}, "file", "quotation marks in the header (line 1)"),
    (b"email,name\nx,A\ny,B\n", {}, "file", "None of the rows (2) can be used: The address cannot exist (2)"),
    (GOOD + b"x,y\n", {"strict": "yes"}, "file", "Some rows (1) cannot be used, and you asked for all or nothing"),
    (GOOD, {"delimiter": "x"}, "delimiter", "Choose one of these"),
]


def test_a_wrong_file_is_explained_beside_its_field_and_changes_nothing(world, user):
    world.group("customers", 1)
    before = content(world)
    for data, form, field, words in WRONG:
        answer = upload(user, data, **form)
        assert answer.status_code == 422
        assert words in error_of(answer, field)
        if "address_column" in form:
            assert f'value="{form["address_column"]}"' in answer.text, "what was typed is still there"
        japanese = error_of(upload(user, data, headers={**OWN_PAGE, **JAPANESE}, **form), field)
        assert re.search(r"[ぁ-んァ-ン一-龥]", japanese), japanese
    assert content(world) == before
    assert world.rows("SELECT variables FROM recipient_group") == [(["name"],)]


def test_a_file_of_which_nothing_could_be_used_has_a_report_too(world, user):
    world.group("customers", 1)
    answer = upload(user, b"email,name\nx,A\n")
    link = re.search(r'href="/ses(/imports/[0-9a-f-]+)"', answer.text)[1]
    assert "There is no" in user.text(link) or "no @" in user.text(link)
    assert "x,A" in user.get(f"{link}/rejected.csv").text


def test_columns_are_understood_as_the_form_says(world, user):
    world.group("customers", 1)
    assert (
        upload(user, b"contact\tname\nann@b.example\tA\n", delimiter="tab", address_column="contact").status_code == 303
    )
    assert upload(user, b"name;email\nAnn;ann@b.example\n").status_code == 303, "found out from the file"
    assert content(world) == [("ann@b.example", {"name": "Ann"})]


@pytest.mark.parametrize("name", ["", "two words", "a/b", "x" * 101, "customers"])
def test_a_name_that_cannot_be_is_said_before_anything_is_imported(name, world, user):
    world.group("customers", 1)
    answer = upload(user, GOOD, "/new-group", name=name, description="typed text")
    assert answer.status_code == 422
    assert error_of(answer, "name")
    assert "typed text" in answer.text
    assert world.rows("SELECT name FROM recipient_group") == [("customers",)]
    assert world.audit_log() == []


def test_a_group_can_be_made_without_a_file_and_filled_later(world, user):
    answer = user.post("/new-group", name="later", description="soon")
    assert answer.headers["location"] == "/ses/groups/later"
    assert "later is made. It has no recipients yet" in user.text("/groups/later")
    assert upload(user, b"", "/new-group", file_name="", name="empty").status_code == 303, "no file was chosen"
    assert world.rows("SELECT name, recipient_count FROM recipient_group ORDER BY id") == [("later", 0), ("empty", 0)]
    assert error_of(user.post("/groups/later/upload"), "file") == "Choose a CSV file."


def test_a_body_that_is_cut_off_imports_nothing(world, user):
    world.group("customers", 1)
    before = content(world)
    body = b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="f.csv"\r\n\r\n' + GOOD
    headers = {**OWN_PAGE, "Content-Type": "multipart/form-data; boundary=xyz"}
    answer = user.http.post(f"{PREFIX}/groups/customers/upload", content=body, headers=headers)
    assert answer.status_code == 422
    assert "The connection broke off before the end" in error_of(answer, "file")
    assert content(world) == before
    assert user.http.post(f"{PREFIX}/groups/customers/upload", content=b"x", headers=headers).status_code == 400


def test_a_file_that_is_too_large_is_refused_with_what_to_do(world, user, monkeypatch):
    from ses_ops.console.pages import group_upload

    monkeypatch.setattr(group_upload, "LARGEST_FILE", 2**30 // 1000)
    world.group("customers", 1)
    rows = b"email,name\n" + b"".join(b"a%d@b.example,%s\n" % (number, b"x" * 90) for number in range(12_000))
    answer = upload(user, rows)
    assert "ses group import NAME FILE.csv" in error_of(answer, "file")
    assert len(content(world)) == 1


def test_who_may_not_change_groups_may_not_upload(world, anonymous, viewer, user):
    world.group("customers", 1)
    assert upload(anonymous, GOOD).status_code == 401
    assert upload(viewer, GOOD).status_code == 403
    assert (
        upload(user, GOOD, headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}).status_code
        == 403
    )
    assert upload(user, GOOD, headers={}).status_code == 403
    assert (len(content(world)), world.rows("SELECT count(*) FROM group_import")) == (1, [(0,)])


def test_two_people_cannot_import_into_one_group_at_once(world, user):
    world.group("customers", 1)
    world.execute(
        "INSERT INTO group_import (id, group_name, file_name, started_by)"
        " VALUES (gen_random_uuid(), 'customers', 'f.csv', 'ann')"
    )
    answer = upload(user, GOOD)
    assert answer.status_code == 409
    assert "ann is importing a file into this group now" in answer.text
    assert "ann is importing f.csv" in user.text("/groups/customers")
    world.execute("UPDATE group_import SET seen_at = now() - interval '1 minute'")
    assert upload(user, GOOD).status_code == 303, "a process that is gone holds nobody up"


def test_the_same_form_is_not_imported_twice(world, user):
    world.group("customers", 1)
    number = "00000000-0000-4000-8000-000000000009"
    assert upload(user, GOOD, import_id=number).headers["location"] == f"/ses/imports/{number}"
    assert upload(user, GOOD, import_id=number).status_code == 409


def streamed(app, person: str, path: str, pieces, *, dropped: bool = False) -> tuple[int, str]:
    """A request whose body comes piece by piece, as a test client cannot send it; `dropped`: it never ends."""

    async def talk() -> tuple[int, str]:
        sent: list[dict] = []
        answered = asyncio.Event()
        rest = iter(pieces)

        async def receive():
            piece = await asyncio.to_thread(next, rest, None)
            if piece is not None:
                return {"type": "http.request", "body": piece, "more_body": True}
            if dropped or receive.over:
                if not dropped:
                    await answered.wait()
                return {"type": "http.disconnect"}
            receive.over = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            sent.append(message)

        receive.over = False
        headers = {**OWN_PAGE, "Host": "console.example", "Content-Type": "multipart/form-data; boundary=xyz"}
        headers["Cookie"] = f"_token={token(person)}"
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http"}
        scope |= {"path": PREFIX + path, "raw_path": (PREFIX + path).encode(), "query_string": b"", "root_path": ""}
        scope |= {"headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()]}
        scope |= {"client": ("127.0.0.1", 1), "server": ("console.example", 80), "state": {}}
        await asyncio.wait_for(app(scope, receive, send), 60)
        answered.set()
        text = b"".join(message.get("body", b"") for message in sent).decode()
        return (sent[0]["status"], text) if sent else (0, "")

    return asyncio.run(talk())


def body_of(number: str, *blocks: bytes):
    yield b'--xyz\r\nContent-Disposition: form-data; name="import_id"\r\n\r\n' + number.encode() + b"\r\n"
    yield b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="f.csv"\r\n\r\nemail,name\n'
    yield from blocks


MANY = b"".join(b"a%d@b.example,A\n" % line for line in range(50_000))


@pytest.fixture
def soon(world):
    """Waits until a statement is true."""

    def wait(sql: str) -> None:
        for _ in range(400):
            if world.rows(f"SELECT {sql} FROM group_import") == [(True,)]:
                return
            time.sleep(0.05)
        raise AssertionError(f"it does not happen: {sql}: {world.rows('SELECT * FROM group_import')}")

    return wait


def test_a_running_import_shows_how_far_it_is_and_is_stopped_from_another_page(world, admin, soon):
    world.group("customers", 1)
    number = "00000000-0000-4000-8000-000000000002"
    seen = []

    def pieces():
        yield from body_of(number, MANY)
        soon("rows_stored > 0")
        seen.append(admin.text(f"/live/imports/{number}"))
        assert admin.post(f"/imports/{number}/stop").status_code == 303
        # The browser sends nothing now: the import must not wait for it.
        soon("state = 'stopped'")

    assert "The server waits for the file." in admin.text(f"/live/imports/{number}")
    status, page = streamed(world.app, "user", "/groups/customers/upload", pieces())
    assert "rows stored" in seen[0]
    assert (status, "Stopped by admin. The group is as it was before." in page) == (422, True)
    assert len(content(world)) == 1
    assert "Stopped by admin." in admin.text(f"/imports/{number}")
    refused = [row["extra"].get("refused") for row in world.audit_log()]
    assert refused == ["stopped by admin", None], "who imported, and who stopped it"
    admin.post(f"/imports/{number}/stop")
    assert "The import was over already" in admin.text(f"/imports/{number}")


def test_a_browser_that_goes_away_in_the_middle_has_imported_nothing(world, viewer, soon):
    world.group("customers", 1)
    number = "00000000-0000-4000-8000-000000000004"

    def pieces():
        yield from body_of(number, MANY)
        soon("rows_stored > 0")

    streamed(world.app, "user", "/groups/customers/upload", pieces(), dropped=True)
    assert world.rows("SELECT state FROM group_import") == [("stopped",)]
    assert len(content(world)) == 1
    assert "The connection broke off before the end" in viewer.text(f"/imports/{number}")


def test_a_browser_that_goes_away_behind_the_last_byte_has_imported_nothing(world, viewer, soon):
    """While duplicates are looked for, nobody reads from the connection any more."""
    from ses_ops.storage.connection import connect

    world.group("customers", 1)
    number = "00000000-0000-4000-8000-000000000005"
    other = connect(world.dsn)
    with other.cursor() as cursor:
        # Somebody holds the group: the import waits in the database, with all of its file at hand.
        cursor.execute("SELECT 1 FROM recipient_group FOR UPDATE")

        def pieces():
            yield from body_of(number, b"a@b.example,A\n\r\n--xyz--\r\n")
            soon("true")

        streamed(world.app, "user", "/groups/customers/upload", pieces(), dropped=True)
    other.close()
    assert world.rows("SELECT state FROM group_import") == [("stopped",)]
    assert len(content(world)) == 1


def test_a_browser_that_falls_silent_does_not_hold_the_group_for_ever(world, soon, monkeypatch):
    from ses_ops.console import incoming

    monkeypatch.setattr(incoming, "SILENCE", 0.5)
    world.group("customers", 1)

    def pieces():
        yield from body_of("", MANY)
        soon("state = 'stopped'")

    status, page = streamed(world.app, "user", "/groups/customers/upload", pieces())
    assert (status, "The connection broke off" in page) == (422, True)
    assert len(content(world)) == 1


def test_a_server_that_died_in_the_middle_is_not_waited_for(world, user):
    world.group("customers", 1)
    number = "00000000-0000-4000-8000-000000000003"
    world.execute(
        "INSERT INTO group_import (id, group_name, file_name, started_by, seen_at)"
        " VALUES (%s, 'customers', 'f.csv', 'ann', now() - interval '1 hour')",
        number,
    )
    assert "The server stopped in the middle. The group is as it was before" in user.text(f"/imports/{number}")
    assert "The server stopped in the middle" in user.text(f"/live/imports/{number}")


def test_a_busy_server_takes_no_more_files(world, user, monkeypatch):
    from anyio import CapacityLimiter

    from ses_ops.console.pages import group_upload

    world.group("customers", 1)
    monkeypatch.setattr(group_upload, "_LIMITER", CapacityLimiter(0))
    answer = upload(user, GOOD)
    assert answer.status_code == 503
    assert "Try again in a minute." in answer.text
