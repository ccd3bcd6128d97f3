"""Headers by which sending providers hand a message's token back with its events.

A provider that is reached by SMTP replaces the Message-ID, so that only such a header leads its events to the message.
"""

from __future__ import annotations

from typing import NamedTuple

#: Header by which Amazon SES is told the configuration set, whose events are published.
CONFIGURATION_SET = "X-SES-CONFIGURATION-SET"


class ProviderHeader(NamedTuple):
    """A header: its name, and what stands before and behind the token in its value."""

    name: str
    before: str = ""
    after: str = ""


#: By the name of the provider's feed. The names and values are those that `events/<provider>.py` reads.
PROVIDER_HEADERS = {
    "amazon_ses": ProviderHeader("X-SES-MESSAGE-TAGS", "ses_ops="),
    "tencent_ses": ProviderHeader("X-Tencentcloudses-Cb-Sesops"),
    "sendgrid": ProviderHeader("X-SMTPAPI", '{"unique_args": {"ses_ops": "', '"}}'),
    "mailgun": ProviderHeader("X-Mailgun-Variables", '{"ses_ops": "', '"}'),
    "postmark": ProviderHeader("X-PM-Metadata-ses-ops"),
}
