"""Reasons for which a chunk, an attempt or a run ended, or mail waits."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "chunk_being_sent": "chunk {chunk} is being sent by process {pid} on {host}; this try waits for it",
    "chunk_held_by_lost_session": "chunk {chunk} is still held by the session that was lost",
    "chunk_still_being_sent": "chunk {chunk} is still being sent",
    "chunk_taken_over": "chunk {chunk} was taken over by another attempt",
    "chunk_taken_over_while_away": "chunk {chunk} was taken over while the database was away",
    "ledger_behind": (
        "the database has lost what was committed for chunk {chunk}: it is a copy that lagged behind, or does "
        "not write its commits to disk. Nothing more is sent. Compare what is queued with the mail server's log, "
        "then resume the task (docs/production.md, Failover)"
    ),
    "mail_server_silent": "the mail server has answered no message for {seconds:.0f} s",
    "content_of_another_version": "the message was stored by another version of ses-ops",
    "content_not_kept": "what the message says is not kept any more",
    "mail_cannot_be_made": "{count} messages in a row cannot be made: {problem}; mend the template",
    "messages_left": "messages are left",
    "no_start_any_more": "{moment} is no start of this task any more: its schedule was changed",
    "outcome_of_another_attempt": "chunk {chunk}: an outcome is somebody else's already",
    "quota_day_ended": "the quota day ended",
    "resend_asked_for": "a person asked to send it again",
    "retry_asked_for": "a person asked for another try",
    "run_ended_before_sending": "its run ended before it was sent",
    "run_of_earlier_task": (
        "this run was made for an earlier send task of this name, which was deleted; trigger the DAG anew"
    ),
    "sender_domain_changed": "the task has another sender domain now",
    "taken_for_dead": "this process was taken for dead, and another has its messages",
    "start_missed": "its start at {moment} {zone} was missed by {late}, more than start_grace {grace}",
    "start_superseded": "given up for the newer one that a person started; {why}",
    "waits_for_its_turn": "other messages are sent before it",
    "task_was_changed": "the task was changed",
    "too_many_unknown_users": (
        "the mail server does not know {unknown} of the first {count} recipients; sending has stopped and nobody "
        "was suppressed. See whether it is the right server and the right list, then resume the task; the "
        "connection's most_unknown_users is the share that is allowed"
    ),
    "transport_failed": "an unforeseen error ended the connections to the mail server: {kind}",
}
