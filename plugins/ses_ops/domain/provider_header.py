"""Headers by which sending providers hand a message's token back with its events.

A provider that is reached by SMTP replaces the Message-ID, so that only such a header leads its events to the message.
"""

from __future__ import annotations

#: Header that names the configuration set whose events Amazon SES publishes.
CONFIGURATION_SET = "X-SES-CONFIGURATION-SET"


#: By the name of the provider's feed: the header's name, and what stands before and behind the token in its value, as
#: `events/<provider>.py` reads it.
PROVIDER_HEADERS: dict[str, tuple[str, str, str]] = {
    "amazon_ses": ("X-SES-MESSAGE-TAGS", "ses_ops=", ""),
    "tencent_ses": ("X-Tencentcloudses-Cb-Sesops", "", ""),
    "sendgrid": ("X-SMTPAPI", '{"unique_args": {"ses_ops": "', '"}}'),
    "mailgun": ("X-Mailgun-Variables", '{"ses_ops": "', '"}'),
    "postmark": ("X-PM-Metadata-ses-ops", "", ""),
}
