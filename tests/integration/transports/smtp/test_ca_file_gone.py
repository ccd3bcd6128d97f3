"""A ca_file that goes after the settings were read: the error names it, wherever the file is needed."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from ses_ops.transports.errors import SetupRefused
from ses_ops.transports.flow.event_loop import run_in_loop
from ses_ops.transports.port import Delivery
from ses_ops.transports.smtp.oauth import OAuth2
from ses_ops.transports.smtp.probe import probe
from ses_ops.transports.smtp.settings import SmtpSettings, Tls
from ses_ops.transports.smtp.transport import SmtpTransport
from tests.integration.transports.smtp.sending import ListFeed, envelopes

#: Nothing listens there: the file is read before anybody is asked.
TOKEN = OAuth2(client_id="ses-ops", client_secret="cl1ent", token_url="https://127.0.0.1:9/token")


@pytest.fixture(params=["gone", "no certificate"])
def ca_file(request: pytest.FixtureRequest, tmp_path: Path):
    """Call it when the settings are read; returns the name."""
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(path)

    def spoil() -> str:
        path.unlink() if request.param == "gone" else path.write_text("nothing")
        return str(path)

    spoil.name = str(path)  # type: ignore[attr-defined]
    return spoil


@pytest.mark.parametrize("needs", [{"oauth2": TOKEN, "login": "news@mail.example.com"}, {"tls": Tls.TLS}])
def test_a_ca_file_that_cannot_be_used_ends_the_run_with_its_name(ca_file, needs) -> None:
    settings = SmtpSettings(host="127.0.0.1", port=9, ca_file=ca_file.name, **needs)
    name = ca_file()
    feed, transport = ListFeed(envelopes(3)), SmtpTransport(settings)
    transport.drain()
    with pytest.raises(SetupRefused, match="ca_file") as run:
        run_in_loop(transport.run(feed))
    with pytest.raises(SetupRefused, match="ca_file") as doctor:
        run_in_loop(probe(settings))
    assert name in str(run.value)
    assert name in str(doctor.value)
    assert set(feed.count()) <= {Delivery.DEFERRED}
