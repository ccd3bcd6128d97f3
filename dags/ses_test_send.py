"""
### Test send

Sends a template to **1 to 20 addresses** at once, one message each, with the values that you give for its variables.

It counts for the day's quota of the sender domain, and is never cached: when the quota has no room for all addresses
it fails, says so, and nothing is sent.
"""

from __future__ import annotations

import ses_ops.orchestration.supported_airflow  # noqa: F401  # isort: skip - first: it says what Airflow is needed

from datetime import timedelta

from airflow.sdk import DAG, Param

from ses_ops import settings
from ses_ops.domain.unsubscribe_language import UnsubscribeLanguage
from ses_ops.orchestration.console_link import with_console_link
from ses_ops.orchestration.operators.test_send import TestSendOperator

#: The JSON schema of an address, which a form can check; the test send checks the address in full.
ADDRESS = {"type": "string", "format": "email", "pattern": r"^[^@\s<>]+@[^@\s<>]+$", "maxLength": 254}


def _templates() -> list[str]:
    root = settings.templates_root()
    if not root.is_dir():
        return []
    return sorted(path.name for path in root.iterdir() if path.is_dir() and path.name[0] not in "_.")


_names = _templates()

with DAG(
    dag_id="ses_test_send",
    description="Send a template to a few addresses now",
    doc_md=with_console_link(__doc__, "/templates"),
    schedule=None,
    catchup=False,
    is_paused_upon_creation=False,
    max_active_runs=5,
    default_args={
        "owner": "ses-ops",
        "retries": 2,
        "retry_delay": timedelta(seconds=5),
        "retry_exponential_backoff": 2.0,
    },
    tags=["ses-ops", "test"],
    params={
        "template": Param(
            _names[0] if _names else "",
            type="string",
            title="Template",
            **({"enum": _names} if _names else {}),
        ),
        "sender": Param(
            type="string",
            title="Sender",
            description="Example Shop <news@mail.example.com>",
            minLength=3,
            maxLength=500,
            pattern=r"^[^\r\n]*[^@\s<]@[^@\s<>]+>?\s*$",
        ),
        "recipients": Param(
            type="array",
            title="Recipients",
            description="1 to 20 addresses, one a line",
            items=ADDRESS,
            minItems=1,
            maxItems=20,
            examples=[],
        ),
        "subject": Param(
            None,
            type=["null", "string"],
            title="Subject",
            description="Default: that of the template",
            maxLength=998,
            pattern=r"^[^\r\n]*$",
        ),
        "values": Param(
            {},
            type="object",
            title="Values",
            description_md='Values for the variables of the template, such as `{"name": "Ann"}`; '
            "`ses template check NAME` lists the variables",
            additionalProperties={"type": ["string", "number", "boolean"]},
        ),
        "reply_to": Param(
            None, type=["null", "string"], title="Reply-to address", description="Default: none", maxLength=254
        ),
        "unsubscribe_url": Param(
            None,
            type=["null", "string"],
            title="Unsubscribe address",
            description="As a send task has it, with variables; default: none",
            maxLength=900,
        ),
        "unsubscribe": Param(
            "none",
            title="Unsubscribe page",
            description="The language of the page and the footer; the link in the mail works",
            enum=[language.value for language in UnsubscribeLanguage],
        ),
        "advertisement": Param("none", title="Advertisement mark", enum=["none", "before", "after"]),
        "track": Param(
            None,
            type=["null", "string"],
            title="Tracked",
            description="Such as opens: true, clicks: false; default: as the sender domain says",
            maxLength=100,
        ),
    },
) as dag:
    TestSendOperator(task_id="send")
