"""Reasons for a send task's state, or for which it cannot be changed."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "resume_not_allowed": (
        "Mail of this task waits and would be sent. Ask an administrator for the right to trigger its DAG."
    ),
    "cancelled_by": "cancelled by {who} at {when} UTC",
    "dag_not_found": "there is no DAG named {name!r}",
    "dag_not_read": "there is no DAG named {name!r}; Airflow has not read the send task yet",
    "definition_not_usable": "its definition cannot be used: {problem}",
    "deleted_by": "deleted by {who} at {when} UTC",
    "no_start_left": "no start of this task is left until then",
    "paused_by": "paused by {who}",
    "paused_by_because": "paused by {who}: {note}",
    "paused_in_airflow": "paused in Airflow",
    "paused_in_airflow_by": "paused in Airflow by {who}",
    "roles_by_people_only": "a program gives a send task no roles: people do, in its form or by `roles` of its file",
    "send_task_not_found": "there is no send task named {name!r}",
    "start_not_allowed": (
        "this change can make mail of send task {name!r} leave, which needs the right to trigger its DAG; ask "
        "somebody who has it"
    ),
    "start_of_this_send_task_not_found": "there is no start of this send task named {name!r}",
    "task_audience_frozen": "send task {name!r} has already begun to send; who gets it can change no more",
    "task_being_sent": "send task {name!r} is being sent; try again when it is done",
    "task_cancelled": "send task {name!r} is cancelled; apply it under another name to send it after all",
    "task_changed_meanwhile": "send task {name!r} was changed meanwhile; look at it again",
    "task_finished": "send task {name!r} has finished: nothing of it is left to be stopped or to go on",
    "task_group_deleted": "the recipient group of send task {name!r} was deleted; nothing of it can change any more",
    "task_has_unsent_messages": "send task {name!r} has {count:,} messages not sent yet",
    "task_is_cancelled": "the task is cancelled",
    "task_is_paused": "the task is paused",
    "task_mail_has_left": "all mail of send task {name!r} has left; nothing of it can change any more",
    "task_name_cancelled": "send task {name!r} is cancelled; delete it first or choose another name",
    "task_paused": "send task {name!r} is paused; resume it first",
    "task_start_has_begun": "send task {name!r} has already begun to send; when it starts can change no more",
    "task_starts_by_itself": (
        "send task {name!r} has one start, which it makes by itself; clone it to send it once more"
    ),
    "task_was_deleted": "the send task was deleted",
    "task_still_being_sent": "send task {name!r} is being sent; try again when it has stopped",
    "test_send_recipients": "a test send goes to 1 to {most} addresses, not {count}",
    "test_send_while_blocked": "no test send can leave now: {why}",
    "test_send_without_quota": (
        "today's quota of {domain} has no room for {count} more messages; a test send is never cached, try again "
        "tomorrow"
    ),
    "turned_on_by": "turned on in Airflow by {user}, who may not start mail of this task",
    "turned_on_by_somebody": "turned on in Airflow by somebody, who may not start mail of this task",
    "values_missing": "no value given for {names}",
}
