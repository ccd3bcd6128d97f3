"""What Airflow asks of an installed package that has a connection type (entry point `apache_airflow_provider`).

It gives the form of the connection a name and the right fields. In a plugins folder, where there is no package, the
connection is made with a type of Airflow's.
"""

from __future__ import annotations

from typing import Any

#: Words of the connection's form.
HIDDEN_FIELDS = ["extra"]
RELABELING = {"login": "Key id", "password": "Secret", "schema": "Schema (http or https)"}
PLACEHOLDERS = {"host": "mail.example.com", "port": "8060", "schema": "https"}


def provider_info() -> dict[str, Any]:
    """The package as a provider of Airflow (airflow/provider_info.schema.json)."""
    return {
        "package-name": "ses-ops",
        "name": "ses-ops",
        "description": "Mail from DAGs: single messages through the API of ses-ops.",
        "connection-types": [
            {
                "connection-type": "ses_ops_api",
                "hook-class-name": "ses_ops.orchestration.hooks.ses_ops_hook.SesOpsHook",
                "hook-name": "ses-ops API",
                "ui-field-behaviour": {
                    "hidden-fields": HIDDEN_FIELDS,
                    "relabeling": RELABELING,
                    "placeholders": PLACEHOLDERS,
                },
            }
        ],
    }
