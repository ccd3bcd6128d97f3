"""A real mail server accepts a message, is refused by the next one, and returns its own report to the listener."""

from __future__ import annotations

import os
import smtplib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ses_ops.events.tokens import Purpose, TokenMaker
from ses_ops.storage.events.token_secrets import token_secrets
from tests.integration.events.mailing import Mailing, sent
from tests.integration.public.bounce_process import BounceProcess
from tests.integration.public.front_servers import BACK, FRONTS, NextServer
from tests.servers.cache import cache_folder
from tests.servers.mail_server import DOMAIN, free_port
from tests.servers.not_run import NotRun

ADDRESSES = [f"{name}@{DOMAIN}" for name in ("unknown", "full", "filter", "fine")]


@pytest.fixture
def mailing(world) -> Mailing:
    return sent(world, "spring", ADDRESSES)


@pytest.fixture
def listener(ses_dsn, tmp_path) -> Iterator[BounceProcess]:
    listener = BounceProcess(dsn=ses_dsn, spool=tmp_path / "spool", port=free_port())
    listener.start()
    yield listener
    listener.kill()


def send(mailing: Mailing, port: int) -> None:
    """Each message by itself, as the engine sends it."""
    maker = TokenMaker(token_secrets(mailing.world.conn)[0], Purpose.BOUNCE)
    mailing.world.conn.rollback()
    for seq, address in enumerate(mailing.addresses, start=1):
        key = mailing.key(seq)
        sender = f"b-{maker.make(key.occurrence_id, key.seq, key.address_check)}@{BACK}"
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
            client.sendmail(
                sender,
                [address],
                f"From: Shop <news@shop.example>\r\nTo: {address}\r\nSubject: Offers\r\n"
                f"Message-ID: <{seq}@shop.example>\r\nMIME-Version: 1.0\r\n\r\nOffers for you, not unknown.\r\n",
            )


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "postfix" else [pytest.mark.full]) for name in FRONTS]
)
def test_its_own_report_finds_its_message(name, mailing, listener, tmp_path) -> None:
    with NextServer() as refusing:
        front = FRONTS[name](tmp_path / "front", cache_folder())
        front.onward, front.back = refusing.port, listener.port
        try:
            (tmp_path / "front").mkdir()
            front.install()
            front.start()
        except NotRun as cause:
            pytest.skip(str(cause))
        try:
            send(mailing, front.port)
            end = time.monotonic() + 60
            found: list[tuple[int, bool, str]] = []
            while len(found) < 3 and time.monotonic() < end:
                time.sleep(0.1)
                found = mailing.world.rows(
                    "SELECT seq, hard, status FROM message_event WHERE kind = 'bounced' ORDER BY seq"
                )
        finally:
            front.close()
    said = "" if len(found) == 3 else front.sandbox.log_end() + listener.log
    assert [(seq, hard) for seq, hard, _ in found] == [(1, True), (2, False), (3, False)], said
    assert mailing.world.rows("SELECT address FROM suppression") == [(ADDRESSES[0],)]
    assert refusing.taken == [ADDRESSES[3]]
    assert mailing.world.rows("SELECT count(*) FROM unmatched_event") == [(0,)]
    if folder := os.environ.get("SES_KEEP_REPORTS"):  # how the examples of tests/unit/events/mails were made
        for seq, raw in mailing.world.rows("SELECT seq, raw FROM message_event ORDER BY seq"):
            (Path(folder) / f"{name}_{ADDRESSES[seq - 1].partition('@')[0]}.eml").write_text(raw, newline="")
