"""Errors and reasons of a ledger that was restored from a backup."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "ledger_restored": (
        "this ledger was restored from a backup, or copied, and nothing is sent until a person says how it goes on; it "
        "was in use elsewhere until {seen}. Run 'ses restore' on the server"
    ),
    "ledger_has_no_moment": "nothing has happened in this ledger yet: there is nothing to restore",
    "restored_before_backup": "the other system cannot have stopped at {until}: its backup was made later, at {taken}",
    "restored_in_the_future": "{moment} has not come yet",
    "restore_while_sending": (
        "messages of {task!r} are being sent now: stop the scheduler, the workers and the API first"
    ),
    "log_names_none": (
        "the log names none of the messages of {task!r} that are in doubt ({count}), and nothing was changed: is it "
        "the log of the mail server that took them? If none was taken, have them all sent again"
    ),
    "may_have_been_sent_since_backup": (
        "the ledger was restored from a backup of {taken}: this message may have been sent until {until}"
    ),
    "started_before_restore": (
        "the ledger was restored from a backup, and the system before it may have made this start until {until}"
    ),
}
