"""One way to search: what is looked for is found however it is written, in every list of addresses."""

from __future__ import annotations

import pytest

from ses_ops.application.group_import import import_group
from ses_ops.domain.address import parse_address
from ses_ops.domain.suppression import SuppressionReason
from ses_ops.storage.audience import recipients
from ses_ops.storage.connection import transaction
from ses_ops.storage.ledger.messages import MessageSearch, message_page, whole_or_part
from ses_ops.storage.suppression import entries
from ses_ops.storage.tasks.send_tasks import find_row
from tests.integration.sending_world import World

ADDRESSES = (
    "straße@a.example",
    "İpek@a.example",
    "Zoë@a.example",
    "ann@bücher.example",
    "b_b@a.example",
    "bxb@a.example",
)
#: A search, and which of the addresses it finds.
SEARCHES = [
    *[(text, [0]) for text in ("straße", "STRASSE", "strasse", "Straße@A.example", "ＳＴＲＡＳＳＥ")],
    *[(text, [1]) for text in ("İpek", "i\u0307pek", "İPEK@")],
    *[(text, [2]) for text in ("zoë", "ZOE\u0308")],
    *[
        (text, [3])
        for text in ("bücher", "BU\u0308CHER.example", "@bücher.", "xn--bcher", "ann@bücher.example", "Ａｎｎ")
    ],
    ("b_b", [4]),
    ("%", []),
    ("\\", []),
]


@pytest.fixture
def world(ses_dsn, tmp_path):
    made = World(dsn=ses_dsn, templates=tmp_path / "templates")
    file = "email,name\n" + "".join(f"{address},x\n" for address in ADDRESSES)
    import_group(made.conn, "people", [file.encode()], where="f.csv", report=print)
    made.task("sale", group="people")
    run = made.run("sale")
    made.freeze(run)
    made.reserve(run)
    with transaction(made.conn):
        for address in ADDRESSES:
            reason = SuppressionReason.UNSUBSCRIBE
            entries.add(made.conn, parse_address(address), reason=reason, note="", expires_at=None)
    return made


def found(rows) -> list[int]:
    places = {parse_address(address).address: place for place, address in enumerate(ADDRESSES)}
    return sorted(places[address] for address in rows)


def test_an_address_is_found_however_it_is_written(world):
    group = recipients.find_group(world.conn, "people")
    task_id = find_row(world.conn, "sale").id
    for text, places in SEARCHES:
        seen = recipients.look(world.conn, group.id, line=0, limit=9, text=text)
        assert found(one.address for one in seen) == places, text
        assert found(row.address for row in entries.entries(world.conn, search=text)) == places, text
        rows, total = entries.page(world.conn, search=text, reason=None, offset=0, limit=9)
        assert (found(row.address for row in rows), total) == (places, len(places)), text
        assert found(row.address for row in entries.stream(world.conn, search=text, reason=None)) == places, text
        key, part = whole_or_part(text)
        search = MessageSearch(task_id=task_id, address_key=key, part=part)
        assert found(row.address for row in message_page(world.conn, search, size=9).rows) == places, text
        world.conn.rollback()
