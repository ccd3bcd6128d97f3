"""Mail that is made anew for another try: what cannot be made, or meets an error nobody expected, is not forgotten."""

from __future__ import annotations

import asyncio

import pytest

from ses_ops.sending.single import duties, recorder
from tests.integration.single.test_outages import check_each_once
from tests.integration.single.world import TestMail, until


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(recorder, "AFTER_A_BUG", 0.2)
    monkeypatch.setattr(duties, "CLOSED_AFTER", 0.3)


def cached_without_a_server(world, mail_server, spoil) -> None:
    """Twenty messages whose chunk was closed while the server was away; `spoil` changes the sender that has it next."""
    mail_server.stop()

    async def scene():
        sender = world.sender(options="unavailable_after=0.3")
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            for number in range(20):
                mail = TestMail(words=f"code {number}")
                sender.add(acceptance.accept(f"a-{number}@customers.example", mail=mail))
            await until(lambda: world.rows("SELECT 1 FROM chunk WHERE state = 'cached'"))
            mend = spoil(sender)
            mail_server.start()
            world.execute("UPDATE chunk SET due_at = now() WHERE state = 'cached'")
            await mend()
            await until(lambda: world.states() == {"sent": 20})
        finally:
            await sender.stop()
            acceptance.close()

    asyncio.run(scene())
    check_each_once(world, mail_server, 20)


def test_a_message_whose_mail_meets_an_unforeseen_error_holds_up_no_other_and_is_tried_again(world, mail_server):
    bad = {b"code 7"}

    def spoil(sender):
        def remake(stored):
            if stored in bad:
                raise RuntimeError("a bug")
            return TestMail.read(stored)

        async def mend():
            await until(lambda: world.states().get("sent") == 19)
            bad.clear()

        sender._recorder._remake = remake
        return mend

    cached_without_a_server(world, mail_server, spoil)


def test_messages_that_an_unforeseen_error_keeps_from_being_marked_are_tried_again(world, mail_server):
    def spoil(sender):
        good, failed = sender._ledger.mark_again, []

        async def mark_again(*args):
            if len(failed) < 2:
                failed.append(args)
                raise RuntimeError("a bug")
            return await good(*args)

        async def mend():
            await until(lambda: len(failed) == 2)

        sender._ledger.mark_again = mark_again
        return mend

    cached_without_a_server(world, mail_server, spoil)
