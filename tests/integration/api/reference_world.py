"""A copy of the API with a sender domain that may send, for clients of the reference."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.api.api_process import FERNET_KEY, ApiProcess
from tests.integration.sending_world import DOMAIN, quota

SENDER = f"news@{DOMAIN}"


@contextmanager
def reference_api(dsn: str, folder: Path, **settings: str) -> Iterator[ApiProcess]:
    """A running copy; nobody's requests are limited to 20 a second."""
    given = {
        "AIRFLOW__CORE__FERNET_KEY": FERNET_KEY,
        "AIRFLOW_VAR_SES_WARMUP_QUOTA": json.dumps(quota(1_000_000)),
        "SES_REFERENCE_PER_SECOND": "1000",
        **settings,
    }
    process = ApiProcess(dsn=dsn, spool=folder / "home", settings=given)
    process.start()
    try:
        yield process
    finally:
        process.kill()


def base64_of(text: str) -> str:
    """As contents are given."""
    return base64.b64encode(text.encode()).decode()
