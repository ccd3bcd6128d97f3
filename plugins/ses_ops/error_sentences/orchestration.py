"""Errors of Airflow, its database or its secrets backend."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "airflow_database_unavailable": "cannot use Airflow's database: {cause}",
    "airflow_did_not_answer": (
        "Airflow has not said within {seconds:.0f} s where the servers are; try again in a minute"
    ),
    "airflow_unsupported": (
        "ses-ops needs Airflow {oldest} or newer and this is Airflow {version}, so nothing of it is active"
    ),
    "api_answers_later": "the API of ses-ops answers {status}, which may pass: {says}",
    "api_connection_incomplete": (
        "needs a host, the id of a key as login, its secret as password, and http or https as schema"
    ),
    "api_not_reached": "the API of ses-ops at {url} cannot be reached: {cause}",
    "api_refuses": "the API of ses-ops refuses it ({status} {problem}): {says}",
    "api_server_did_not_answer": "Airflow's api-server did not answer when it was asked for {what}",
    "database_did_not_answer": "the ses database did not answer within {seconds:.0f} s",
    "database_did_not_answer_before": "the ses database did not answer a moment ago",
    "not_the_api": "{method} {url} is not answered by the API of ses-ops: its answer is no JSON object",
    "read_not_allowed": "Airflow does not allow this task to read {what}",
    "refused_by_airflow": "Airflow refused it, try again in a minute: {cause}",
    "roles_not_supported": (
        "this Airflow's auth manager has no roles that could be given rights: only that of the FAB provider has"
    ),
    "secrets_backend_failed": (
        "the secrets backend {backend} failed when it was asked for {what} ({cause}); until it answers nothing "
        "is read from anywhere else"
    ),
    "secrets_backend_not_usable": (
        "the secrets backend that Airflow's configuration names in [{section}] cannot be made ({cause})"
    ),
    "variable_of_other_fernet_key": (
        "the Airflow Variable {key}: cannot be decrypted: this process has another Fernet key "
        "(AIRFLOW__CORE__FERNET_KEY) than the one that wrote it"
    ),
}
