"""Why a mail that came back is set aside or refused."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "mail_file_not_read": "cannot be read: {cause}",
    "mail_not_understood": "this is no bounce, no complaint and no automatic reply that is understood",
    "mail_recipient_refused": "mail to addresses that are not ours was refused",
    "mailbox_needs_a_folder": "must not be empty: mails that were not understood have to go somewhere",
    "mailbox_not_read": "the mailbox cannot be read: {cause}",
    "mailbox_tls_unknown": "{value!r} is not implicit, starttls or none",
    "mailbox_without_host": "names no host",
    "report_names_another_address": "the report names another address than its message went to ({named})",
    "report_without_token": "the report carries no token of this installation",
}
