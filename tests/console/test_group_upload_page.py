"""Uploading a CSV file: what becomes of it, what is said of a wrong one, and that nothing is imported by half."""

from __future__ import annotations

import asyncio
import re
import threading
import time
import uuid

import pytest

from tests.actors import ANYBODY
from tests.console.console_world import OWN_PAGE, PREFIX, token, visible_text
from tests.unit.audience.test_workbook_rows import workbook

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
    assert report.content.decode("utf-8-sig").splitlines() == [
        "email,name,ses_reason",
        "'=x,Ä,line 2: '=x' has no @",
        '\\xff@b.example,X,"line 5: is not UTF-8: byte 0xFF; save the file as UTF-8, or convert it: '
        'iconv -f WINDOWS-1252 -t UTF-8 IN.csv > OUT.csv (with the encoding that it really has)"',
        "ANN@b.example,Again,line 4: the same address stands on line 3",
    ]
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
    (b"email," + b"x," * 1_000, {}, "file", "The file has 1,002 columns. At most 1,000 are taken"),
    (GOOD, {"map": "name=first name"}, "file", "The column first name cannot be a variable"),
    (
        GOOD,
        {"map": "town=city"},
        "map",
        "The file has no column town that could be named otherwise. It has: email, name",
    ),
    (GOOD, {"map": "name"}, "map", "is not of the form COLUMN=NAME"),
    (b"PK\x03\x04" + b"\0" * 26 + b"xl/workbook.xml", {}, "file", "This workbook cannot be read"),
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


def test_a_corrected_report_is_uploaded_into_the_group_and_duplicates_are_told(world, user):
    world.group("customers", 1)
    answer = upload(user, b"email,name\nann@b.example,Ann\nbenb.example,+Ben\ncat@b,Cat\n")
    path = answer.headers["location"].removeprefix(PREFIX)
    report = user.get(f"{path}/rejected.csv").content
    assert b"'+Ben" in report
    mended = report.replace(b"benb.example", b"ben@b.example").replace(b"cat@b,", b"ANN@b.example,")
    answer = upload(user, mended, mode="add")
    assert answer.status_code == 303, visible_text(answer.text)
    assert content(world) == [("ann@b.example", {"name": "Ann"}), ("ben@b.example", {"name": "+Ben"})]
    path = answer.headers["location"].removeprefix(PREFIX)
    text = user.text(path)
    assert "2 in the group now, 1 of them added" in text
    assert "The same address again 1" in text
    report = user.get(f"{path}/rejected.csv").content.decode("utf-8-sig").splitlines()
    assert report == ["email,name,ses_reason", "ANN@b.example,Cat,line 3: the address is in the group already"]
    assert world.rows("SELECT recipient_count FROM recipient_group") == [(2,)]


def test_rows_are_only_added_with_the_columns_of_the_group(world, user):
    world.group("customers", 1)
    before = content(world)
    answer = upload(user, b"email,town\nann@b.example,Oslo\n", mode="add")
    assert answer.status_code == 422
    assert "Missing in the file: name. Not in the group: town." in error_of(answer, "file")
    assert content(world) == before


def test_a_column_with_a_space_is_offered_under_a_name_that_a_template_can_write(world, user):
    rows = b"E-Mail,First Name\nann@b.example,Ann\n"
    answer = upload(user, rows, "/new-group", name="customers")
    assert content(world) == [("ann@b.example", {"first_name": "Ann"})]
    text = user.text(answer.headers["location"].removeprefix(PREFIX))
    assert "Named otherwise First Name → first_name" in text
    upload(user, rows, map="First Name=vorname")
    assert content(world) == [("ann@b.example", {"vorname": "Ann"})]


def test_a_workbook_is_uploaded_like_a_csv_file(world, user):
    rows = workbook(["email", "plz"], ["ann@b.example", 7], ["nobody", 8])
    answer = upload(user, rows, "/new-group", name="customers", file_name="people.xlsx")
    assert answer.status_code == 303, visible_text(answer.text)
    assert content(world) == [("ann@b.example", {"plz": "7"})]
    path = answer.headers["location"].removeprefix(PREFIX)
    assert "Left out 1" in user.text(path)
    report = user.get(f"{path}/rejected.csv").content.decode("utf-8-sig").splitlines()
    assert report == ["email,plz,ses_reason", "nobody,8,line 3: 'nobody' has no @"]


def look(client, data: bytes, path: str = "/groups/customers/look", **texts: str) -> str:
    answer = upload(client, data, path, **texts)
    assert answer.status_code == 200
    return answer.text


def test_how_a_file_would_be_read_is_shown_before_anything_is_stored(world, user, viewer):
    world.group("customers", 1)
    before = content(world)
    german = (
        b"email;Vor Name\n"
        + b"".join(b"a%d@b.example;A\n" % n for n in range(9))
        + ("jörg@b.example;Jörg\nfrauke@b.example;Frauke Müßig\n".encode("cp1252"))
    )
    shown = look(user, german)
    assert 'data-look="guess" data-encoding="cp1252"' in shown
    text = visible_text(shown)
    assert "It looks like cp1252" in text
    assert "11 jörg@b.example Jörg" in text, "rows that tell an encoding are shown, wherever they stand"
    assert 'value="Vor_Name"' not in shown
    assert 'value="vor_name" data-column="Vor Name"' in shown
    assert 'data-look="sure"' in look(user, german, encoding="cp1252")
    assert "JУ¶rg" not in look(user, german, encoding="cp1251")
    assert 'data-look="sure" data-encoding="utf-8"' in look(user, "email,name\na@b.example,Ä\n".encode())
    assert "Left out: 'x' has no @" in visible_text(look(user, b"email,name\nx,A\n"))
    bad = look(user, b"email,town\na@b.example,A\n", mode="add")
    assert 'data-look="bad"' in bad
    assert "Not in the group: town." in visible_text(bad)
    assert upload(viewer, GOOD, "/groups/customers/look").status_code == 403
    assert (content(world), world.rows("SELECT count(*) FROM import_run")) == (before, [(0,)])


def test_a_look_at_a_workbook_shows_its_sheets(world, user):
    def change(book):
        book.create_sheet("more").append(["email", "town"])

    data = workbook(["email", "name"], ["a@b.example", "Jörg"], change=change)
    shown = look(user, data, "/new-group/look", name="x")
    assert "<option selected>Sheet</option><option>more</option>" in shown
    assert 'data-column="town"' in look(user, data, "/new-group/look", sheet="more")


def test_addresses_that_may_be_mistyped_are_warned_of(world, user):
    answer = upload(user, b"email\nann@gmial.com\nben@gmail\ncat@gmail.com\n", "/new-group", name="customers")
    path = answer.headers["location"].removeprefix(PREFIX)
    text = user.text(path)
    assert "1 address may be mistyped" in text
    assert "2 ann@gmial.com gmail.com" in text
    assert "is gmail.com meant?" in text, "what has no dot is refused"
    assert [address for address, _ in content(world)] == ["ann@gmial.com", "cat@gmail.com"]


def test_a_groups_rows_are_downloaded_safely_and_can_be_uploaded_again(world, user, viewer):
    rows = 'email,name,phone\nann@b.example,"=1+1",+47 1\nben@b.example,"Ä, ""B""\n2",\n'.encode()
    upload(user, rows, "/new-group", name="customers")
    world.execute("INSERT INTO suppression (address_key, address, reason) VALUES ('ann@b.example', 'x', 'manual')")
    before = content(world)
    assert viewer.get("/groups/customers/recipients.csv").status_code == 403
    answer = user.get("/groups/customers/recipients.csv")
    assert answer.content.decode().startswith(
        "\ufeffaddress,name,phone,ses_suppressed\r\nann@b.example,'=1+1,'+47 1,manual"
    )
    assert upload(user, answer.content).status_code == 303
    assert content(world) == before
    assert {"ses_export_group", "ses_import_group"} == {row["event"] for row in world.audit_log()}
    assert user.get("/groups/nobody/recipients.csv").status_code == 404


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
    from ses_ops.console.groups import upload as group_upload

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
    assert (len(content(world)), world.rows("SELECT count(*) FROM import_run")) == (1, [(0,)])


def test_two_people_cannot_import_into_one_group_at_once(world, user):
    world.group("customers", 1)
    world.execute(
        "INSERT INTO import_run (id, group_name, file_name, started_by)"
        " VALUES (gen_random_uuid(), 'customers', 'f.csv', 'ann')"
    )
    answer = upload(user, GOOD)
    assert answer.status_code == 409
    assert "ann is importing a file into this group now" in answer.text
    assert "ann is importing f.csv" in user.text("/groups/customers")
    world.execute("UPDATE import_run SET seen_at = now() - interval '1 minute'")
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
        await asyncio.wait_for(app(scope, receive, send), 180)
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
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if world.rows(f"SELECT {sql} FROM import_run") == [(True,)]:
                return
            time.sleep(0.05)
        raise AssertionError(f"it does not happen: {sql}: {world.rows('SELECT * FROM import_run')}")

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
    assert world.rows("SELECT state FROM import_run") == [("stopped",)]
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
    assert world.rows("SELECT state FROM import_run") == [("stopped",)]
    assert len(content(world)) == 1


def test_a_browser_that_falls_silent_does_not_hold_the_group_for_ever(world, soon, monkeypatch):
    from ses_ops.console.uploads import body as incoming

    monkeypatch.setattr(incoming, "SILENCE", 2.0)
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
        "INSERT INTO import_run (id, group_name, file_name, started_by, seen_at)"
        " VALUES (%s, 'customers', 'f.csv', 'ann', now() - interval '1 hour')",
        number,
    )
    assert "The server stopped in the middle. The group is as it was before" in user.text(f"/imports/{number}")
    assert "The server stopped in the middle" in user.text(f"/live/imports/{number}")


def test_a_busy_server_takes_no_more_files(world, user, monkeypatch):
    from anyio import CapacityLimiter

    from ses_ops.console.groups import upload as group_upload

    world.group("customers", 1)
    monkeypatch.setattr(group_upload, "_LIMITER", CapacityLimiter(0))
    answer = upload(user, GOOD)
    assert answer.status_code == 503
    assert "Try again in a minute." in answer.text


def test_uploads_whose_file_never_begins_take_no_place(world, user, soon, monkeypatch):
    from ses_ops.console.uploads import upload_form

    usual = upload_form._WITHIN
    monkeypatch.setattr(upload_form, "_WITHIN", 2.0)
    world.group("customers", 1)
    answers: list[int] = []
    waits = threading.Semaphore(0)

    def hanging():
        yield b'--xyz\r\nContent-Disposition: form-data; name="import_id"\r\n\r\n'
        waits.release()
        time.sleep(8)  # well behind the end of its time

    threads = [
        threading.Thread(
            target=lambda: answers.append(streamed(world.app, "user", "/groups/customers/upload", hanging())[0])
        )
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert waits.acquire(timeout=60)
    monkeypatch.setattr(upload_form, "_WITHIN", usual)
    assert upload(user, GOOD).status_code == 303, "nobody is kept out"
    for thread in threads:
        thread.join()
    assert answers == [408] * 6


def test_one_person_who_finishes_no_upload_does_not_keep_others_out(world, admin, soon):
    for name in ("one", "two", "three", "customers"):
        world.group(name, 1)
    answers: list[tuple[int, str]] = []
    looked = threading.Event()

    def hanging(number):
        yield from body_of(f"00000000-0000-4000-8000-00000000001{number}", MANY)
        looked.wait(120)

    threads = [
        threading.Thread(
            target=lambda n=n, name=name: answers.append(
                streamed(world.app, "user", f"/groups/{name}/upload", hanging(n), dropped=True)
            )
        )
        for n, name in enumerate(("one", "two"))
    ]
    for thread in threads:
        thread.start()
    soon("count(*) = 2")
    status, page = streamed(world.app, "user", "/groups/three/upload", body_of("", b"a@b.example,A\n\r\n--xyz--\r\n"))
    assert (status, "You are uploading 2 files now." in page) == (503, True)
    assert upload(admin, GOOD).status_code == 303
    looked.set()
    for thread in threads:
        thread.join()
    assert [status for status, _ in answers] == [422, 422]
    assert sorted(world.rows("SELECT group_name, state FROM import_run")) == [
        ("customers", "imported"),
        ("one", "stopped"),
        ("two", "stopped"),
    ]


def test_an_upload_says_why_its_file_ended_also_when_it_is_busy_with_what_it_has(world):
    """On a busy machine the import learns of the end by its watcher before it asks for the next block."""
    from ses_ops.application.group_upload import GroupUpload, UploadOrder
    from ses_ops.errors import ImportStopped

    world.group("customers", 1)
    told = threading.Event()

    def blocks():
        yield b"email,name\n"
        told.wait(60)
        yield b"a@b.example,A\n"

    order = UploadOrder(
        id=uuid.uuid4(), group="customers", new_group=False, by="ann", file_name="f.csv", file_bytes=None
    )
    slow = ImportStopped("the file came too slowly")
    with pytest.raises(ImportStopped, match="too slowly"):
        GroupUpload(order, ended=lambda: slow, stop=lambda why: told.set()).run(world.dsn, ANYBODY, blocks())
    assert world.rows("SELECT state, problem FROM import_run") == [("stopped", "the file came too slowly")]


def test_an_upload_that_trickles_is_ended(world, user, soon, monkeypatch):
    from ses_ops.console.uploads import body as incoming

    monkeypatch.setattr(incoming, "WINDOW", 0.5)
    world.group("customers", 1)

    def pieces():
        yield from body_of("", MANY)
        for number in range(200):
            yield b"b%d@b.example,B\n" % number
            time.sleep(0.05)

    status, page = streamed(world.app, "user", "/groups/customers/upload", pieces())
    assert status == 422
    assert "The file came too slowly" in page, page
    assert world.rows("SELECT state, problem FROM import_run") == [("stopped", "the file came too slowly")]
    assert len(content(world)) == 1
