"""One mailing to a server by the product's own way: freeze, reserve, send a chunk, settle, in a real PostgreSQL."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ses_ops.errors import SesError
from ses_ops.sending.send import send_chunk
from ses_ops.sending.task_renderer import task_renderer
from ses_ops.storage.connection import transaction
from ses_ops.storage.tasks import send_tasks
from ses_ops.transports.smtp.settings import smtp_settings_from_connection_uri
from tests.integration.sending_world import World
from tests.servers.nasty_mail import Person

#: As Airflow repeats a task that raised, only sooner.
RETRIES, RETRY_AFTER = 5, 1.0
SENDER = "Example <news@mail.example.com>"


@dataclass
class Sent:
    """What became of a mailing by the ledger."""

    #: The ledger's (state, address, reply) by Message-ID.
    messages: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    #: What each message should be, by Message-ID: rendered anew, so with another Date.
    contents: dict[str, bytes] = field(default_factory=dict)
    states: Counter[str] = field(default_factory=Counter)
    suppressed_for_ever: int = 0
    seconds: float = 0.0
    #: What ended it, where that was no success.
    endings: list[str] = field(default_factory=list)


class Mailing(World):
    """A World with templates for the values of `nasty_mail`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        folder = self.templates / "nasty"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "subject.txt").write_text("{{ title }}")
        (folder / "body.txt").write_text("{{ text }}")
        (folder / "body.html").write_text("<h1>{{ title }}</h1>\n<pre>{{ text }}</pre>\n")

    def group_of(self, name: str, people: Sequence[Person]) -> None:
        """A recipient group of these people."""
        with transaction(self.conn), self.conn.cursor() as cursor:
            cursor.execute(
                "INSERT INTO recipient_group (name, variables, recipient_count) VALUES (%s, '{text,title}', %s)"
                " RETURNING id",
                (name, len(people)),
            )
            (group_id,) = cursor.fetchone()
            cursor.executemany(
                "INSERT INTO recipient (group_id, position, address, address_key, values) VALUES (%s, %s, %s, %s, %s)",
                [
                    (group_id, n, one.address, one.address.lower(), json.dumps(one.values))
                    for n, one in enumerate(people, start=1)
                ],
            )

    def mail(
        self, name: str, people: Sequence[Person], uri: str, *, seconds: float, meanwhile: Callable[[], None]
    ) -> Sent:
        """Send to these people, at most about so long; `meanwhile` runs beside it, in this thread."""
        self.group_of(name, people)
        self.task(name, group=name, template="nasty", sender=SENDER)
        run = self.run(name)
        self.freeze(run)
        (chunk_id,) = self.reserve(run).chunk_ids
        sent, stop = Sent(), threading.Event()
        smtp = smtp_settings_from_connection_uri(uri)

        def send() -> None:
            report = send_chunk(self.dsn, chunk_id, run.run_id, smtp=smtp, templates_root=self.templates, stop=stop)
            if report.ending != "finished":
                sent.endings.append(report.ending)

        thread = threading.Thread(target=lambda: _as_airflow_does(send, sent, stop), daemon=True)
        began = time.monotonic()
        thread.start()
        try:
            meanwhile()
            thread.join(max(0.1, seconds - (time.monotonic() - began)))
            late = thread.is_alive()
        finally:
            stop.set()
        thread.join(90)
        sent.seconds = time.monotonic() - began
        if late:
            sent.endings.append(f"stopped after {seconds:.0f} s")
        self.settle(run)
        self._read(chunk_id, sent)
        return sent

    def _read(self, chunk_id: int, sent: Sent) -> None:
        with transaction(self.conn):
            task = send_tasks.of_chunk(self.conn, chunk_id=chunk_id)
        assert task is not None
        renderer = task_renderer(task.content, self.templates, installation_id=task.installation_id)
        rows = self.rows(
            'SELECT m.occurrence_id, m.seq, m.state::text, m.address, m."values", m.smtp_code, m.smtp_text'
            " FROM message m JOIN chunk c USING (occurrence_id) WHERE c.id = %s ORDER BY m.seq",
            chunk_id,
        )
        for occurrence_id, seq, state, address, values, code, text in rows:
            key = renderer.message_id(occurrence_id, seq)
            reply = f"{code} {text}" if code else text or ""
            sent.messages[key] = (state, address, reply)
            sent.contents[key] = renderer.render(occurrence_id=occurrence_id, seq=seq, address=address, values=values)
            sent.states[state] += 1
        ((sent.suppressed_for_ever,),) = self.rows("SELECT count(*)::int FROM suppression WHERE reason = 'hard_bounce'")


def _as_airflow_does(send: Callable[[], None], sent: Sent, stop: threading.Event) -> None:
    """Call `send` again while it raises, as often as Airflow does."""
    for _ in range(RETRIES + 1):
        try:
            send()
        except SesError as problem:
            sent.endings.append(f"{type(problem).__name__}: {' '.join(str(problem).split())}")
            if stop.wait(RETRY_AFTER):
                return
        else:
            return


def words(messages: Mapping[str, tuple[str, str, str]], states: Sequence[str], most: int = 3) -> str:
    """The commonest replies of the messages in these states, with numbers and addresses left out."""
    said = Counter(
        re.sub(r"\d{3,}[\w./-]*|<[^>]*>|[\w-]*[0-9a-fA-F-]{8,}[\w.-]*", "…", reply[:4] + reply[4:90])
        if not reply[:3].isdigit()
        else reply[:4] + re.sub(r"<[^>]*>|[\w-]*[0-9a-fA-F-]{8,}[\w.-]*", "…", reply[4:90])
        for state, _, reply in messages.values()
        if state in states
    )
    return "; ".join(f"{count} x {text}" for text, count in said.most_common(most))
