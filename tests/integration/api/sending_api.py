"""A copy of the API that sends: a plan for its sender domains, and a mail server that takes everything."""

from __future__ import annotations

import json
from typing import Any

from ses_ops.application.secret_box import VARIABLE
from tests.integration.api.api_process import FERNET_KEY, ApiProcess

CODES, NEWS = "codes.example.com", "news.example.com"
PLAN = {"plan": [100_000], "started_on": "2026-01-01", "time_zone": "UTC"}
SMALL = "small.example.com"
#: The sender domain of the examples in the OpenAPI document.
EXAMPLE = "mail.example.com"


def settings_of(smtp_uri: str) -> dict[str, str]:
    """The environment of a copy; `SMALL` may send 5 a day."""
    plans = {CODES: PLAN, NEWS: PLAN, EXAMPLE: PLAN, SMALL: {**PLAN, "plan": [5]}}
    return {
        VARIABLE: FERNET_KEY,
        "AIRFLOW_CONN_SES_SMTP": smtp_uri,
        "AIRFLOW_VAR_SES_WARMUP_QUOTA": json.dumps(plans),
    }


def sending_api(dsn: str, spool: Any, smtp_uri: str, **more: str) -> ApiProcess:
    """A copy that is to be started."""
    return ApiProcess(dsn=dsn, spool=spool, settings={**settings_of(smtp_uri), **more})


def message(to: Any = "ann@example.com", **more: Any) -> dict[str, Any]:
    """A message of the codes."""
    return {"from": f"Codes <codes@{CODES}>", "to": to, "subject": "Your code", "text": "394 021\n", **more}
