"""Errors of keys of programs, and of the secrets that are kept with Airflow's Fernet key."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "api_key_domains_not_usable": "give the sender domains of the key, or * alone for every one",
    "api_key_name_not_usable": "the name {given!r} is empty, longer than 63 characters, or has control characters",
    "api_key_name_taken": "there is a key {name!r} already",
    "api_key_not_found": "there is no key {name!r}",
    "api_key_per_second_not_usable": "the requests a second are a whole number from 1 to 100,000",
    "api_key_scopes_not_usable": "the scopes of a key are one or more of {known}",
    "fernet_key_changed": "a secret was encrypted with another key than {variable} has; add that one behind a comma",
    "fernet_key_not_usable": "{variable} is not a Fernet key (32 octets in URL-safe base64)",
    "no_fernet_key": "Airflow's Fernet key is not known here: give this process {variable} as Airflow has it",
    "setting_command_failed": "the command that prints the setting failed; give this process {variable}",
    "setting_in_secrets_backend": "a secrets backend has the setting; give this process {variable}",
}
