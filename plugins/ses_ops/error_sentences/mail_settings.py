"""Errors of the settings of a mail server's connection."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "auth_type_unknown": "{value!r} is not one of basic, oauth2",
    "configuration_set_without_amazon": "is used with provider amazon_ses only",
    "connections_out_of_range": "{value} is not between 1 and 1000",
    "file_missing": "there is no file {file!r}",
    "login_not_a_mailbox": "is not the address of a mailbox, which OAuth 2 needs",
    "login_with_nul": "login and password cannot contain NUL (RFC 4616)",
    "mail_connection_empty": "is empty; expected smtp://login:password@host:port/?tls=starttls or Airflow's JSON form",
    "mail_connection_not_a_uri": (
        "is not a URI; expected smtp://login:password@host:port/?tls=starttls or Airflow's JSON form"
    ),
    "mail_connection_not_readable": "is not a URI; expected smtp://login:password@host:port/?tls=starttls",
    "mailbox_missing": "is missing: OAuth 2 needs the address of the mailbox",
    "not_a_configuration_set": "{value!r} is not the name of a configuration set: letters, digits, - and _",
    "not_a_connection_field": "is not a field of an Airflow connection; options belong into extra",
    "not_a_share": "{value} is not a share between 0 and 1",
    "not_json_at": "is not valid JSON at line {line}, column {column}",
    "not_one_or_more": "{value} is not 1 or more",
    "not_positive": "{value} is not a positive number",
    "not_smtp": "{value!r} is not smtp or smtps",
    "oauth2_incomplete": "is oauth2, which needs access_token, or client_id and client_secret",
    "option_not_a_boolean": "{value!r} is not true or false",
    "option_not_a_number": "{value!r} is not a number",
    "option_not_a_whole_number": "{value!r} is not a whole number",
    "option_not_known": "{value!r} is not one of {known}",
    "option_not_text": "is not a text",
    "option_unknown": "is not an option; the options are {options}",
    "option_value_not_text": "{value!r} is not a text",
    "password_without_login": "a password is given, but no login",
    "port_not_a_number": "the port is not a number; expected smtp://login:password@host:port/?tls=starttls",
    "port_out_of_range": "{value} is not between 1 and 65535",
    "smtps_contradicts_tls": "smtps means TLS from the first byte, but tls is {value!r}; use smtp://",
    "ssl_context_unknown": "{value!r} is not one of default, none",
    "tenant_not_valid": "{value!r} is not the id or domain of a directory",
    "token_not_printable_ascii": "has a space, a line end or a character that is not ASCII",
    "token_url_not_https": "is not an https:// address without login",
}
