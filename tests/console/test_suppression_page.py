"""The suppression list: what it shows, and how addresses come onto it and off it."""

from __future__ import annotations

import csv
import io
import re

import pytest

from tests.console.console_world import OWN_PAGE, PREFIX, visible_text

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def suppress(world, address, *, reason="manual", note="", expires_at=None, by="ann"):
    world.execute(
        "INSERT INTO suppression (address_key, address, reason, note, expires_at, added_by)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        *(address.lower(), address, reason, note, expires_at, by),
    )


def upload(person, content: bytes, **form: str):
    return person.http.post(
        f"{PREFIX}/suppression/import",
        data={"reason": "unsubscribe", "address_column": "", **form},
        files={"file": ("list.csv", content, "text/csv")},
        headers=OWN_PAGE,
    )


def listed(world):
    return world.rows("SELECT address, reason, note, added_by, expires_at IS NULL FROM suppression ORDER BY address")


def test_an_empty_list_says_what_to_do_next(world, user, viewer):
    assert "No address is suppressed" in user.text("/suppression")
    assert 'href="/ses/suppression/add"' in user.get("/suppression").text
    assert "/suppression/add" not in viewer.get("/suppression").text


def test_the_list_shows_reason_note_who_and_until_when_and_can_be_searched(world, viewer):
    suppress(world, "Ann@Example.com", note="by phone", by="carol")
    suppress(world, "ben@other.example", reason="hard_bounce", by="")
    suppress(world, "old@example.com", expires_at="2020-01-01")
    text = viewer.text("/suppression")
    assert "Ann@Example.com by hand by phone" in text
    assert "by carol" in text
    assert "hard bounce" in text
    assert "ended" in text
    assert "never" in text
    found = viewer.text("/suppression?q=ANN@")
    assert "Ann@Example.com" in found
    assert "ben@other.example" not in found
    assert "ben@other.example" in viewer.text("/suppression?reason=hard_bounce&q=@other")
    assert "old@example.com" not in viewer.text("/suppression?reason=hard_bounce")
    for nothing in ("nobody", "%", "a_n", "\\\\"):
        assert "these people get mail" in viewer.text(f"/suppression?q={nothing}")
    assert "Remove" not in viewer.get("/suppression").text


def test_a_long_list_has_pages_and_says_when_there_is_more_than_it_counts(world, viewer, monkeypatch):
    world.execute(
        "INSERT INTO suppression (address_key, address, reason, created_at)"
        " SELECT a, a, 'manual', now() - n * interval '1 second'"
        " FROM (SELECT n, 'p' || n || '@example.com' AS a FROM generate_series(1, 60) n) x"
    )
    assert "1 to 25 of 60" in viewer.text("/suppression")
    assert "p60@example.com" in viewer.text("/suppression?page=3")
    assert "1 to 25 of 60" in viewer.text("/suppression?page=99")
    monkeypatch.setattr("ses_ops.storage.suppression.entries.MOST_LISTED", 50)
    monkeypatch.setattr("ses_ops.console.suppression.list.MOST_LISTED", 50)
    assert "There are more than 50; search to see others" in viewer.text("/suppression")


def test_addresses_are_added_with_who_and_why_and_are_in_the_audit_log(world, user):
    suppress(world, "ben@example.com")
    answer = user.post(
        "/suppression/add", addresses="Ann@Example.com\nben@example.com; ANN@example.com", reason="manual", note="asked"
    )
    assert answer.headers["location"] == "/ses/suppression"
    assert "1 address gets no mail. 1 was on the list already." in user.text("/suppression")
    assert listed(world)[0] == ("Ann@example.com", "manual", "asked", "user", True)
    (row,) = world.audit_log()
    assert (row["event"], row["owner"]) == ("ses_suppress", "user")
    assert row["extra"]["addresses"] == ["Ann@example.com", "ben@example.com"]


def test_what_was_typed_wrongly_stays_with_an_error_beside_it_and_changes_nothing(world, user):
    many = "\n".join(f"a{n}@example.com" for n in range(201))
    for form, words in (
        ({"addresses": "ann(at)example.com"}, "has no @"),
        ({"addresses": " "}, "Write at least one address"),
        ({"addresses": many}, "These are 201 addresses; at most 200"),
        ({"expires": "2001-01-01"}, "Write a day that is still to come"),
        ({"expires": "soon"}, "Write a day that is still to come"),
        ({"expires": "2030-01-01", "reason": "complaint"}, "Only an entry by hand can end"),
        ({"reason": "because"}, "Choose one of the reasons"),
        ({"note": "n" * 501}, "At most 500 characters"),
    ):
        given = {"addresses": "ann@example.com", "reason": "manual", "note": "kept text", **form}
        answer = user.post("/suppression/add", **given)
        assert answer.status_code == 422, form
        assert words in visible_text(answer.text), form
        assert 'aria-invalid="true"' in answer.text
        assert given["note"][:9] in answer.text, "what was typed is still there"
    assert not listed(world)
    assert not world.audit_log()


def test_removing_asks_why_and_goes_back_to_where_it_was(world, user, viewer):
    suppress(world, "ann@example.com", reason="unsubscribe")
    page = user.text("/suppression/remove?address=ANN@example.com&back=/suppression?q=ann")
    assert "Remove ann@example.com from the suppression list?" in page
    assert "Mail them again only if they asked for it" in page
    form = {"address": "ann@example.com", "back": "/suppression?q=ann"}
    refused = user.post("/suppression/remove", **form)
    assert refused.status_code == 422
    assert "Write why" in visible_text(refused.text)
    assert len(listed(world)) == 1
    done = user.post("/suppression/remove", **form, why="asked by letter")
    assert done.headers["location"] == "/ses/suppression?q=ann"
    assert not listed(world)
    (row,) = world.audit_log()
    assert row["extra"] == {"address": "ann@example.com", "why": "asked by letter"}
    assert user.get("/suppression/remove?address=ann@example.com").status_code == 404
    assert user.get("/suppression/remove?address=%22").status_code == 404
    assert viewer.get("/suppression/remove?address=ann@example.com").status_code == 403


def test_a_clean_file_is_imported_and_the_list_says_so(world, user):
    content = "email;reason;note;expires\r\nAnn@example.com;;schön;\r\nben@example.com;manual;;2099-01-31\r\n".encode()
    assert upload(user, b"\xef\xbb\xbf" + content).headers["location"] == "/ses/suppression"
    assert "2 addresses were read, 2 of them new on the list." in user.text("/suppression")
    assert listed(world) == [
        ("Ann@example.com", "unsubscribe", "schön", "user", True),
        ("ben@example.com", "manual", "", "user", False),
    ]
    (row,) = world.audit_log()
    assert row["extra"] == {"file": "list.csv", "read": 2, "changed": 2, "rejected": 0}


def test_rows_that_cannot_be_used_are_reported_with_their_lines(world, user):
    bad = f"address,reason\nann@example.com,\n{HOSTILE.replace(',', '')},\nben@example.com,whim\n"
    answer = user.get(upload(user, bad.encode()).headers["location"].removeprefix(PREFIX))
    assert answer.status_code == 200
    text = visible_text(answer.text)
    assert "1 address was read, 1 of them new on the list." in text
    assert "2 rows were left out" in text
    assert "1 × The reason is not known" in text
    assert "'whim' is not one of" in text
    assert "<script>" not in answer.text
    assert "<img" not in answer.text


def test_the_report_of_an_import_is_a_file_that_has_every_row_and_is_there_tomorrow(world, user, viewer):
    rows = "address\nann@example.com\n" + "".join(f"=bad-{number}\n" for number in range(300))
    place = upload(user, rows.encode()).headers["location"].removeprefix(PREFIX)
    text = viewer.text(place)
    assert "Imported: list.csv" in text
    assert "300 × The address cannot exist" in text
    assert "290 more rows are not shown." in text
    link = re.search(r'href="/ses([^"]*)" download', viewer.get(place).text)[1]
    report = viewer.get(link)
    assert report.headers["content-disposition"].startswith('attachment; filename="suppression-rejected.csv"')
    lines = list(csv.DictReader(io.StringIO(report.content.decode("utf-8-sig"))))
    assert [line["ses_reason"].partition(":")[0] for line in lines] == [f"line {number}" for number in range(3, 303)]
    assert [(row["event"], row["owner"]) for row in world.audit_log()][1:] == [("ses_export_rejected", "viewer")]
    assert lines[0]["address"] == "'=bad-0"
    assert f'href="{PREFIX}{place}"' in user.get("/suppression/import").text
    assert viewer.get("/suppression/reports/none").status_code == 404
    world.execute("UPDATE import_run SET started_at = now() - interval '31 days'")
    upload(user, b"address\nben@example.com\nno address\n")
    assert viewer.get(place).status_code == 404, "a report holds addresses: it is not kept for ever"


def test_a_file_without_a_usable_row_leaves_a_report_too(world, user):
    answer = upload(user, b"address\nann\nben\n")
    assert answer.status_code == 422
    report = user.get(re.search(r'href="/ses([^"]*)" download', answer.text)[1])
    assert report.text.count("\n") == 3
    (id,) = world.rows("SELECT id::text FROM import_run")[0]
    assert "Not imported: list.csv" in user.text(f"/suppression/reports/{id}")
    assert not listed(world)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"name\nAnn\n", "Write here which one holds the address"),
        (b"address,city\nann@example.com,Rome\n", "The column city is not known here"),
        (b"address\nann\nben\n", "can be used: The address cannot exist (2)"),
        (b"address\n\xff\xfea\x00", "The file is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_used_changes_nothing_and_says_how_to_mend_it(content, words, world, user):
    suppress(world, "kept@example.com")
    answer = upload(user, content)
    assert answer.status_code == 422
    assert words.lower() in visible_text(answer.text).lower()
    assert '-error"' in answer.text
    assert len(listed(world)) == 1


def test_nothing_is_kept_of_a_file_that_fails_at_its_end(world, user, monkeypatch):
    def fails(*_args, **_more):
        raise RuntimeError("the machine stops here")

    monkeypatch.setattr("ses_ops.storage.suppression.bulk.execute", fails)
    assert upload(user, b"address\nann@example.com\n").status_code == 500
    assert not listed(world)


def test_a_file_that_is_too_large_is_refused_beside_the_field_and_the_rest_stays(world, user, monkeypatch):
    monkeypatch.setattr("ses_ops.console.uploads.file_form.LARGEST_FILE", 100_000)
    answer = upload(user, b"address\n" + b"ann@example.com\n" * 20_000, address_column="the one")
    assert answer.status_code == 422
    assert "The file is larger than" in visible_text(answer.text)
    assert 'value="the one"' in answer.text
    monkeypatch.setattr("ses_ops.console.uploads.file_form.LISTENED_TO", 200_000)
    assert upload(user, b"address\n" + b"ann@example.com\n" * 20_000).status_code == 413
    assert upload(user, b"").status_code == 422
    assert not listed(world)


def test_a_form_that_is_cut_off_or_is_none_imports_nothing(world, user):
    head = b'--xyz\r\nContent-Disposition: form-data; name="reason"\r\n\r\nmanual\r\n'
    file = b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="f.csv"\r\n\r\naddress\nann@example.com\n'
    headers = {**OWN_PAGE, "Content-Type": "multipart/form-data; boundary=xyz"}
    for body in (head + file, head, b"x"):
        assert user.http.post(f"{PREFIX}/suppression/import", content=body, headers=headers).status_code in (400, 422)
    assert not listed(world)
    whole = head + file + b"\r\n--xyz--\r\n"
    assert user.http.post(f"{PREFIX}/suppression/import", content=whole, headers=headers).status_code == 303


def test_an_export_is_safe_in_a_spreadsheet_and_can_be_imported_again(world, user, viewer):
    suppress(world, "=cmd@example.com", note="=1+1", by="@ann")
    suppress(world, "ann@example.com", reason="complaint", note="ein „Wort“, zwei")
    answer = user.get("/suppression/export")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["address"] for row in rows] == ["ann@example.com", "'=cmd@example.com"]
    assert rows[1]["note"] == "'=1+1"
    assert rows[1]["added_by"] == "'@ann"
    assert "=cmd" not in user.get("/suppression/export?q=ann").text
    assert "/suppression/export" in user.get("/suppression").text
    assert "/suppression/export" not in viewer.get("/suppression").text
    before = [row[:3] for row in listed(world)]
    world.execute("DELETE FROM suppression")
    assert upload(user, answer.content).status_code == 303
    assert [row[:3] for row in listed(world)] == before


def test_nothing_from_data_is_markup(world, user):
    suppress(world, "x@example.com", note=HOSTILE, by=HOSTILE)
    for path in ("/suppression", f"/suppression?q={HOSTILE}", "/suppression/remove?address=x@example.com"):
        page = user.get(path).text
        assert "<img" not in page
        assert "<script>" not in page
        assert "style=" not in page
    assert "<img" not in user.post("/suppression/add", addresses=HOSTILE, reason=HOSTILE, note=HOSTILE).text
