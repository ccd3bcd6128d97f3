"""The extras of a connection that name the provider behind the mail server."""

from __future__ import annotations

import re
from typing import Any

from ses_ops.domain.provider_header import CONFIGURATION_SET, PROVIDER_HEADERS
from ses_ops.transports.smtp.connection_fields import text, wrong

PROVIDER_EXTRAS = frozenset({"provider", "configuration_set"})
#: Characters that Amazon allows in the name of a configuration set.
_CONFIGURATION_SET = re.compile(r"[A-Za-z0-9_-]{1,64}")


def of_its_provider(extra: dict[str, Any]) -> dict[str, Any]:
    """Take the provider's extras out of `extra`; returns the settings that follow. Raises ConnectionProblem."""
    given = {name: text(f"extra.{name}", value).strip() for name in PROVIDER_EXTRAS if (value := extra.pop(name, None))}
    provider, configuration_set = given.get("provider", "").lower(), given.get("configuration_set")
    if provider and provider not in PROVIDER_HEADERS:
        raise wrong("extra.provider", "option_not_known", value=provider, known=sorted(PROVIDER_HEADERS))
    if configuration_set and provider != "amazon_ses":
        raise wrong("extra.configuration_set", "configuration_set_without_amazon")
    if configuration_set and not _CONFIGURATION_SET.fullmatch(configuration_set):
        raise wrong("extra.configuration_set", "not_a_configuration_set", value=configuration_set)
    settings: dict[str, Any] = {"headers": {CONFIGURATION_SET: configuration_set}} if configuration_set else {}
    return {**settings, "provider_header": PROVIDER_HEADERS[provider]} if provider else settings
