"""Importing recipients: all or nothing, the first row of an address wins, whatever the values hold."""

from __future__ import annotations

import sys
import threading

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ses_ops.application.group_import import import_group
from ses_ops.domain.address import parse_address
from ses_ops.errors import Conflict, InvalidInput, NotFound
from ses_ops.storage.audience import recipients
from ses_ops.storage.connection import connect, transaction
from ses_ops.storage.suppression import entries
from tests.sizes import examples, size


def put(conn, text: str | bytes, *, name: str = "customers", **options):
    rejected = []
    data = text.encode() if isinstance(text, str) else text
    done = import_group(conn, name, [data], where="f.csv", report=rejected.append, **options)
    return done, rejected


def content(conn, name: str = "customers"):
    with transaction(conn):
        return recipients.sample(conn, recipients.find_group(conn, name).id, limit=100)


def test_a_group_is_made_in_the_order_of_its_file(ses_conn):
    done, rejected = put(ses_conn, "email,name\nz@b.example,Zoe\na@b.example,Ann\n", description="all of them")
    assert (done.created, done.recipients, done.variables, rejected) == (True, 2, ("name",), [])
    assert content(ses_conn) == [("z@b.example", {"name": "Zoe"}), ("a@b.example", {"name": "Ann"})]
    group = recipients.find_group(ses_conn, "customers")
    assert (group.recipient_count, group.description) == (2, "all of them")


def test_the_first_row_of_an_address_wins_and_the_others_are_reported(ses_conn):
    done, rejected = put(ses_conn, "email,name\nann@b.example,1\nben@b.example,2\nANN@B.example,3\nann@b.EXAMPLE,4\n")
    assert done.recipients == 2
    assert done.rejected == {"duplicate address": 2}
    assert [(row.line, row.reason) for row in rejected] == [
        (4, "the same address stands on line 2"),
        (5, "the same address stands on line 2"),
    ]
    assert content(ses_conn) == [("ann@b.example", {"name": "1"}), ("ben@b.example", {"name": "2"})]


def test_a_second_import_replaces_content_and_variables_and_keeps_the_description(ses_conn):
    put(ses_conn, "email,name\na@b.example,A\nb@b.example,B\n", description="ours")
    done, _ = put(ses_conn, "email,city\nb@b.example,Oslo\n")
    assert (done.created, done.recipients) == (False, 1)
    assert content(ses_conn) == [("b@b.example", {"city": "Oslo"})]
    group = recipients.find_group(ses_conn, "customers")
    assert (group.variables, group.recipient_count, group.description) == (("city",), 1, "ours")


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("email,name\n", {}, "has a header and no rows"),
        ("email,name\nx,A\ny,B\n", {}, r"none of its 2 rows can be used \(bad address 2\)"),
        ("email,name\na@b.example,A\nx,B\n", {"strict": True}, "1 rows were rejected"),
        ("email,name\na@b.example,A\nA@b.example,B\n", {"strict": True}, "duplicate address 1"),
        ("email,name\na@b.example,Ä\n".encode() + b"b@b.example,\xff\n", {"strict": True}, "not UTF-8 1"),
        ('email,name\na@b.example,A\nb@b.example,"B\n', {"strict": True}, "quotation marks 1"),
        (b"email,name\na@b.example,\xff\n", {"encoding": "utf-8"}, r"none of its 1 rows can be used \(not UTF-8 1\)"),
    ],
)
def test_a_refused_file_leaves_the_group_as_it_was(ses_conn, text, options, words):
    put(ses_conn, "email,name\nold@b.example,Old\n")
    with pytest.raises(InvalidInput, match=words):
        put(ses_conn, text, **options)
    assert content(ses_conn) == [("old@b.example", {"name": "Old"})]
    assert recipients.find_group(ses_conn, "customers").variables == ("name",)
    with pytest.raises(InvalidInput):
        put(ses_conn, text, name="new", **options)
    with pytest.raises(NotFound):
        recipients.find_group(ses_conn, "new")


def test_ctrl_c_in_mid_import_leaves_the_group_as_it_was(ses_conn):
    put(ses_conn, "email,name\nold@b.example,Old\n")

    def blocks():
        yield b"email,name\n" + b"".join(b"a%d@b.example,A\n" % number for number in range(50_000))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_group(ses_conn, "customers", blocks(), where="f.csv", report=lambda row: None)
    assert content(ses_conn) == [("old@b.example", {"name": "Old"})]


def test_ctrl_c_between_two_blocks_is_not_taken_for_an_error_of_the_database(ses_conn):
    put(ses_conn, "email,name\nold@b.example,Old\n")

    def interrupt_at_the_call_of_read(frame, event, arg):
        if event == "call" and frame.f_code.co_qualname == "_Source.read":
            sys.setprofile(None)
            raise KeyboardInterrupt

    sys.setprofile(interrupt_at_the_call_of_read)
    try:
        with pytest.raises(KeyboardInterrupt):
            put(ses_conn, "email,name\na@b.example,A\n")
    finally:
        sys.setprofile(None)
    assert content(ses_conn) == [("old@b.example", {"name": "Old"})]


def test_two_imports_of_one_group_at_once_leave_one_of_them_whole(ses_dsn, ses_conn):
    files = ["email,name\n" + "".join(f"person{number}@b.example,{who}\n" for number in range(2000)) for who in "ab"]

    def work(text):
        conn = connect(ses_dsn)
        put(conn, text)
        conn.close()

    threads = [threading.Thread(target=work, args=(text,)) for text in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with transaction(ses_conn):
        found = recipients.sample(ses_conn, recipients.find_group(ses_conn, "customers").id, limit=10_000)
    assert len(found) == 2000
    assert len({values["name"] for _, values in found}) == 1


_VALUE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_VALUE, st.sampled_from(["name", "naïve", "名前"]))
def test_every_value_arrives_as_it_was_written(ses_conn, value, variable):
    quoted = value.replace('"', '""')
    put(ses_conn, f'email,{variable}\r\na@b.example,"{quoted}"\r\n')
    import unicodedata

    ((_, values),) = content(ses_conn)
    assert {unicodedata.normalize("NFC", name): text for name, text in values.items()} == {variable: value}


def test_very_many_rows_need_not_fit_into_memory(ses_conn):
    import tracemalloc

    # Of 5 000 rows each.
    count = size(30, 12)

    def blocks():
        yield b"email,name\n"
        for block in range(count):
            yield b"".join(b"person%d@b.example,Some Name\n" % (block * 5000 + number) for number in range(5000))

    tracemalloc.start()
    done = import_group(ses_conn, "customers", blocks(), where="f.csv", report=lambda row: None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert done.recipients == count * 5_000
    assert peak < 10_000_000


def test_a_group_that_a_task_uses_cannot_be_deleted_one_of_a_deleted_task_can(world):
    world.group("customers", 3)
    world.task("sale", group="customers")
    with pytest.raises(Conflict, match="is used by sale"), transaction(world.conn):
        recipients.delete_group(world.conn, "customers")
    world.execute("UPDATE send_task SET deleted_at = now()")
    with transaction(world.conn):
        recipients.delete_group(world.conn, "customers")
    assert world.rows("SELECT count(*) FROM recipient") == [(0,)]


def test_a_suppression_is_never_shortened(ses_conn):
    from datetime import UTC, datetime, timedelta

    soon, later = (datetime.now(UTC) + timedelta(days=days) for days in (1, 9))
    ann = parse_address("ann@b.example")

    def add(expires_at, reason=entries.SuppressionReason.MANUAL):
        with transaction(ses_conn):
            return entries.add(ses_conn, ann, reason=reason, note="", expires_at=expires_at)

    assert add(soon)
    assert add(later)
    assert not add(soon)
    assert add(None, entries.SuppressionReason.COMPLAINT)
    assert not add(later)
    (found,) = entries.find(ses_conn, ann.key)
    assert (found.reason, found.expires_at) == (entries.SuppressionReason.COMPLAINT, None)


def test_a_name_that_yaml_could_not_hold_is_refused(ses_conn):
    with pytest.raises(InvalidInput, match="cannot be a group's name"):
        put(ses_conn, "email\na@b.example\n", name="a b")
    assert ses_conn.info.transaction_status == psycopg2.extensions.TRANSACTION_STATUS_IDLE
