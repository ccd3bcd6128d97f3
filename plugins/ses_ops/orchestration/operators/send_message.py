"""An operator for people's own DAGs: send one message by the API."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk import BaseOperator, conf
from airflow.sdk.exceptions import AirflowFailException

from ses_ops.orchestration.hooks.api_answer import ApiRefused
from ses_ops.orchestration.operators.base import errors_for_airflow
from ses_ops.orchestration.triggers.message_final import MessageFinalTrigger, is_final, outcome_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import jinja2
    from airflow.sdk import Context

#: Fields of a message that Airflow must not show: whom it goes to and what it says.
PRIVATE = (*("to", "cc", "bcc", "reply_to", "subject", "text", "html", "values", "headers", "attachments"),)
#: Fields of a message that Airflow shows, by the names that the API gives them.
SHOWN = ("template", "tags", "reference", "send_at", "unsubscribe", "marketing", "track", "shared", "verbatim")
#: What Airflow shows in the place of a private field that has been filled in.
HIDDEN = "***"
#: Statuses of a message or a recipient whose mail did not leave, or may not have.
_NOT_SENT = frozenset({"failed", "unknown", "cancelled", "refused"})


class SendMessageOperator(BaseOperator):
    """Sends one message through the API of ses-ops; returns its id, its status, and how many recipients are where.

    A retry of the task never mails twice, nor does clearing it within the 24 hours for which the API keeps a request:
    the Idempotency-Key is made of the DAG, the run, the task and the map index. `idempotency_key` replaces it.

    The fields are those of `POST /v1/messages`, with `sender` for `from`. All of them are templates. What the mail says
    and whom it goes to is filled in when the task runs, and is shown nowhere in Airflow.

    With `wait_for="accepted"` the task ends when the message is on disk at the API, which sends it at once. With
    `wait_for="sent"` it ends when the mail server has taken the mail of every recipient, and fails when it refused one
    for good; `deferrable=True` waits without a worker's slot, for `wait_timeout` at most.
    """

    template_fields: Sequence[str] = (
        *("sender", *SHOWN, *PRIVATE),
        *("idempotency_key", "ses_ops_conn_id"),
    )
    ui_color = "#fef7e0"

    def __init__(
        self,
        *,
        sender: str,
        to: str | Sequence[str],
        subject: str | None = None,
        text: str | None = None,
        html: str | None = None,
        template: str | None = None,
        values: Mapping[str, Any] | None = None,
        cc: str | Sequence[str] | None = None,
        bcc: str | Sequence[str] | None = None,
        reply_to: str | None = None,
        headers: Mapping[str, str] | None = None,
        attachments: Sequence[Mapping[str, Any]] | None = None,
        tags: Sequence[str] | None = None,
        reference: str | None = None,
        unsubscribe: str | None = None,
        track: Mapping[str, bool] | None = None,
        marketing: bool | None = None,
        shared: bool | None = None,
        verbatim: bool | None = None,
        send_at: str | datetime | None = None,
        idempotency_key: str | None = None,
        ses_ops_conn_id: str = "ses_ops_api",
        wait_for: Literal["accepted", "sent"] = "accepted",
        wait_timeout: timedelta | float = timedelta(hours=1),
        poll_interval: float = 5.0,
        deferrable: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sender, self.to, self.cc, self.bcc, self.reply_to = sender, to, cc, bcc, reply_to
        self.subject, self.text, self.html, self.template, self.values = subject, text, html, template, values
        self.headers, self.attachments, self.tags, self.reference = headers, attachments, tags, reference
        self.unsubscribe, self.marketing, self.track, self.send_at = unsubscribe, marketing, track, send_at
        self.shared, self.verbatim = shared, verbatim
        self.idempotency_key = idempotency_key
        self.ses_ops_conn_id = ses_ops_conn_id
        if wait_for not in ("accepted", "sent"):
            raise ValueError(f'wait_for is "accepted" or "sent", not {wait_for!r}')
        self.wait_for = wait_for
        self.wait_timeout = wait_timeout.total_seconds() if isinstance(wait_timeout, timedelta) else wait_timeout
        self.poll_interval = poll_interval
        by_default = conf.getboolean("operators", "default_deferrable", fallback=False)
        self.deferrable = by_default if deferrable is None else deferrable
        self._private: dict[str, Any] = {}

    def _do_render_template_fields(
        self,
        parent: Any,
        template_fields: Iterable[str],
        context: Context,
        jinja_env: jinja2.Environment,
        seen_oids: set[int],
    ) -> None:
        """Fill the fields in, and put the private ones where Airflow does not look for what it shows."""
        super()._do_render_template_fields(parent, template_fields, context, jinja_env, seen_oids)
        if parent is self:
            self._private = {}
            self._hide()

    def _hide(self) -> None:
        for name in PRIVATE:
            value = getattr(self, name)
            if value is not None and value != HIDDEN:
                self._private[name] = value
                setattr(self, name, HIDDEN)

    def execute(self, context: Context) -> dict[str, Any]:
        """Ask the API; the same task instance asks with the same key."""
        from ses_ops.orchestration.hooks.ses_ops_hook import SesOpsHook

        self._hide()
        hook = SesOpsHook(self.ses_ops_conn_id)
        with errors_for_airflow():
            try:
                answer = hook.send_message(self._message(), idempotency_key=self._key(context))
            except ApiRefused as problem:
                if problem.problem == "idempotency_key_reused":
                    raise AirflowFailException(_SENT_BEFORE) from problem
                raise
        self.log.info("message %s: %s", answer.get("id"), answer.get("status"))
        if self.wait_for == "accepted":
            return outcome_of(answer)
        until = time.time() + self.wait_timeout
        if self.deferrable:
            trigger = MessageFinalTrigger(
                ses_ops_conn_id=self.ses_ops_conn_id,
                message_id=str(answer["id"]),
                poll_interval=self.poll_interval,
                until=until,
            )
            self.defer(trigger=trigger, method_name="execute_complete")
        return self._wait(hook, str(answer["id"]), until)

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """The end of a deferred wait."""
        if problem := event.get("problem"):
            raise AirflowFailException(str(problem))
        if event.get("timeout"):
            raise AirflowFailException(_NOT_KNOWN)
        return _ended(event["message"])

    def _wait(self, hook: Any, message_id: str, until: float) -> dict[str, Any]:
        while True:
            with errors_for_airflow():
                message = hook.message(message_id)
            if is_final(message):
                return _ended(outcome_of(message))
            if time.time() >= until:
                raise AirflowFailException(_NOT_KNOWN)
            time.sleep(self.poll_interval)

    def _message(self) -> dict[str, Any]:
        """The body of the request: the fields that are set."""
        fields = {"from": self.sender, **{name: getattr(self, name) for name in SHOWN}, **self._private}
        if isinstance(self.send_at, datetime):
            fields["send_at"] = self.send_at.isoformat()
        return {name: value for name, value in fields.items() if value is not None and value != ""}

    def _key(self, context: Context) -> str:
        ti = context["ti"]
        return self.idempotency_key or idempotency_key(
            dag_id=ti.dag_id, run_id=ti.run_id, task_id=ti.task_id, map_index=ti.map_index
        )


_SENT_BEFORE = (
    "an earlier try of this task instance has sent its message, with another content; clear the task with another "
    "idempotency_key to send this one too"
)
_NOT_KNOWN = "the message was accepted; what became of it was not known in time (wait_timeout)"


def idempotency_key(*, dag_id: str, run_id: str, task_id: str, map_index: int | None) -> str:
    """The key of a task instance, the same at each try: ASCII and short, whatever the run's id is made of."""
    parts = json.dumps([dag_id, run_id, task_id, -1 if map_index is None else map_index])
    return f"airflow-{hashlib.sha256(parts.encode()).hexdigest()}"


def _ended(outcome: dict[str, Any]) -> dict[str, Any]:
    """The outcome. Raises AirflowFailException when a recipient's mail did not leave; a retry would not send it."""
    states = {str(outcome["status"]), *outcome["recipients"]}
    if not states.isdisjoint(_NOT_SENT):
        raise AirflowFailException(f"message {outcome['id']} was not sent to everybody: {outcome['recipients']}")
    return outcome
