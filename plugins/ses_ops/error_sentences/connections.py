"""Errors of a server's connection settings, or of this machine's settings."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "airflow_not_found": "no Airflow was found: set AIRFLOW_HOME (or AIRFLOW_CONFIG) as your Airflow has it",
    "database_not_named": "names no database: postgres://user:password@host:5432/DATABASE",
    "no_airflow_here": "no Airflow: nothing runs in SES_HOME ({home})",
    "no_database": (
        "no database: no Airflow was found that could name it. Set AIRFLOW_HOME (or AIRFLOW_CONFIG) as your "
        "Airflow has it, or {variable} to the PostgreSQL to use"
    ),
    "no_database_connection": (
        "no database: Airflow has no connection ses_db. Make it in Airflow under Admin > Connections (type "
        "Generic or, if offered, Postgres), or set {variable} for all of Airflow's components"
    ),
    "no_database_here": "no database: nothing runs in SES_HOME ({home})",
    "no_mail_server": (
        "no mail server: no Airflow was found that could name it. Set AIRFLOW_HOME (or AIRFLOW_CONFIG) as your "
        "Airflow has it, or {variable}, for example to smtp://login:password@mail.example.com:587/?tls=starttls"
    ),
    "no_mail_server_connection": (
        "no mail server: Airflow has no connection ses_smtp. Make it in Airflow under Admin > Connections (type "
        "SMTP), or set {variable} for all of Airflow's components, for example to "
        "smtp://login:password@mail.example.com:587/?tls=starttls"
    ),
    "no_mail_server_here": "no mail server: nothing runs in SES_HOME ({home})",
    "not_a_connection_uri": "is no connection URI: postgres://user:password@host:5432/database",
    "not_a_host": "{value!r} is not a host name or address",
    "not_a_json_object": "is not a JSON object",
    "not_a_number_between": "{given!r} is not a whole number from {least:,} to {most:,}",
    "not_a_port": "{given!r} is not a port (a whole number from 1 to 65535)",
    "not_a_public_url": (
        "{given!r} is not the address of the public listener; write for example https://mail.example.com"
    ),
    "not_a_whole_number": "is not a whole number",
    "not_json": "is not valid JSON",
    "not_minutes": "{given!r} is not a whole number of minutes from 1 to 30",
    "not_kept_months": "{given!r} is not a whole number of months from 1 to 1200",
    "not_device_days": "{given!r} is not a whole number of days from 0 to 365",
    "not_on_or_off": "{given!r} is neither on nor off",
    "not_postgres": "{value!r} is not postgres (or generic): ses-ops keeps its data in PostgreSQL",
    "not_text_or_number": "is not a text or a number",
    "other_fernet_key": (
        "cannot be decrypted: this process has another Fernet key (AIRFLOW__CORE__FERNET_KEY) than the one that "
        "wrote it"
    ),
    "stack_file_not_readable": "{path} cannot be read ({cause})",
    "stack_file_of_another_user": "{path} belongs to another user",
}
