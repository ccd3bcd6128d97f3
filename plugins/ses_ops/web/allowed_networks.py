"""The setting SES_CALLBACK_ALLOW: private networks that callbacks may be posted to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops import airflow_configuration
from ses_ops.airflow_places import airflow_setting
from ses_ops.domain.callback_target import parse_networks

if TYPE_CHECKING:
    from ses_ops.domain.callback_target import Network

NAME = "SES_CALLBACK_ALLOW"


def allowed_networks() -> tuple[Network, ...]:
    """Networks of SES_CALLBACK_ALLOW, or of `callback_allow` in section `ses_ops` of airflow.cfg; none by default.

    Raises InvalidInput.
    """
    given = (
        airflow_configuration.environment().get(NAME, "").strip() or airflow_setting("ses_ops", "callback_allow") or ""
    )
    return parse_networks(given, where=NAME)
