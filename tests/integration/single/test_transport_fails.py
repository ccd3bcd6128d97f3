"""A transport that cannot be had: the sender's health says why, and mail leaves when it can."""

from __future__ import annotations

import asyncio

import trustme

from ses_ops.sending.single import sender as sender_module
from ses_ops.transports.smtp.oauth import OAuth2
from ses_ops.transports.smtp.settings import SmtpSettings
from tests.integration.single.test_outages import check_each_once
from tests.integration.single.world import until


def test_a_missing_ca_file_shows_in_the_health(world, tmp_path):
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(path)
    token = OAuth2(client_id="ses-ops", client_secret="cl1ent", token_url="https://127.0.0.1:9/token")
    settings = SmtpSettings(host="127.0.0.1", port=9, login="news@example.com", oauth2=token, ca_file=str(path))
    path.unlink()

    async def scene():
        sender = world.sender()
        sender._smtp = lambda: settings
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            sender.add(acceptance.accept("ann@customers.example"))
            await until(lambda: sender.health().relay_problem is not None)
            assert sender.health().relay_problem.code == "ca_file_not_usable"
            assert str(path) in str(sender.health().relay_problem)
        finally:
            await sender.stop()
            acceptance.close()

    asyncio.run(scene())


def test_an_unforeseen_error_of_a_transport_shows_in_the_health_until_mail_leaves(world, mail_server, monkeypatch):
    good, fails = sender_module.KeptTransport.run, True

    async def run(transport, feed):
        if fails:
            raise RuntimeError("a bug")
        await good(transport, feed)

    monkeypatch.setattr(sender_module.KeptTransport, "run", run)

    async def scene():
        nonlocal fails
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            sender.add(acceptance.accept("ann@customers.example"))
            await until(lambda: sender.health().relay_problem is not None)
            assert sender.health().relay_problem.code == "transport_failed"
            fails = False
            await until(lambda: world.states() == {"sent": 1})
            await until(lambda: sender.health().relay_problem is None)
        finally:
            await sender.stop()
            acceptance.close()

    asyncio.run(scene())
    check_each_once(world, mail_server, 1)
