"""The extra `provider` of a mail server's connection: the header that carries our token to the provider and back."""

from __future__ import annotations

import json

import pytest

from ses_ops.domain.provider_header import PROVIDER_HEADERS
from ses_ops.errors import InvalidInput
from ses_ops.transports.smtp.settings import smtp_settings_from_connection_uri
from tests.unit.events import test_amazon_ses
from tests.unit.events.hook_world import TOKEN, heard, request
from tests.unit.events.test_any_hook import ALL


def settings(query: str):
    return smtp_settings_from_connection_uri(f"smtp://mail.example.com/?{query}")


def value(provider: str) -> tuple[str, str]:
    """Name and value of the header of a message."""
    header = settings(f"provider={provider}").provider_header
    assert header is not None
    name, before, after = header
    return name, f"{before}{TOKEN}{after}"


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        ("amazon_ses", ("X-SES-MESSAGE-TAGS", f"ses_ops={TOKEN}")),
        ("tencent_ses", ("X-Tencentcloudses-Cb-Sesops", TOKEN)),
        ("sendgrid", ("X-SMTPAPI", f'{{"unique_args": {{"ses_ops": "{TOKEN}"}}}}')),
        ("mailgun", ("X-Mailgun-Variables", f'{{"ses_ops": "{TOKEN}"}}')),
        ("postmark", ("X-PM-Metadata-ses-ops", TOKEN)),
    ],
)
def test_a_provider_is_given_its_header(provider: str, expected: tuple[str, str]) -> None:
    assert value(provider) == expected
    # A line of a mail has 998 characters at most, and no header of ours is folded (RFC 5322 2.1.1).
    assert len(": ".join(value(provider))) < 200


def brought_back(provider: str) -> dict[str, object]:
    """An event of the provider for a message that had its header, as the provider makes it."""
    _, given = value(provider)
    at = "2026-11-29T12:00:00Z"
    if provider == "amazon_ses":
        name, _, token = given.partition("=")
        record = test_amazon_ses.record("Delivery", "delivery", {"recipients": ["a@b.example"]}, tags={name: [token]})
        return test_amazon_ses.message(record)
    if provider == "tencent_ses":
        return {"event": "delivered", "timestamp": 1_764_000_000, value(provider)[0]: given}
    if provider == "sendgrid":
        return {"event": "delivered", "timestamp": 1_764_000_000, **json.loads(given)["unique_args"]}
    if provider == "mailgun":
        event = {"event": "delivered", "timestamp": 1_764_000_000, "user-variables": json.loads(given)}
        return {"event-data": event, "signature": {"token": "t"}}
    name = value(provider)[0].removeprefix("X-PM-Metadata-")
    return {"RecordType": "Delivery", "DeliveredAt": at, "Metadata": {name: given}}


@pytest.mark.parametrize("provider", sorted(PROVIDER_HEADERS))
def test_what_the_header_carries_out_the_hook_finds_again(provider: str) -> None:
    (hook,) = [one for one in ALL if one.source == provider]
    (event,) = heard(hook, request(brought_back(provider))).events
    assert event.message is not None
    assert (event.message.occurrence_id, event.message.seq) == (7, 3)


def test_without_a_provider_there_is_no_header() -> None:
    assert settings("").provider_header is None
    assert settings("provider=").provider_header is None


def test_an_unknown_provider_is_an_error_that_names_those_that_are_known() -> None:
    with pytest.raises(InvalidInput, match="'sendmail' is not one of amazon_ses, mailgun, postmark, sendgrid, tencent"):
        settings("provider=sendmail")
    with pytest.raises(InvalidInput, match="configuration_set"):
        settings("provder=amazon_ses")


def test_a_configuration_set_is_a_header_of_amazons_mail() -> None:
    assert dict(settings("provider=Amazon_SES&configuration_set=events-1").headers) == {
        "X-SES-CONFIGURATION-SET": "events-1"
    }
    for wrong in (
        "provider=mailgun&configuration_set=a",
        "configuration_set=a",
        "provider=amazon_ses&configuration_set=a%0d%0aB:c",
    ):
        with pytest.raises(InvalidInput, match="configuration_set"):
            settings(wrong)
