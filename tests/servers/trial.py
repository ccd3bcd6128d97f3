"""All that is tried with one server: a look, 300 nasty messages, the same with a restart, and its special cases."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.postgres_server import PostgresServer
from tests.servers.mail_server import MailServer, Scenario
from tests.servers.mailing import Mailing
from tests.servers.nasty_mail import people, plain_people
from tests.servers.not_run import NotRun
from tests.servers.passes import Pass, one_pass
from tests.servers.wire_tap import WireTap

#: Messages of the two passes, and of the look that finds how far the engine runs ahead.
MESSAGES, LOOK = 300, 20
#: Few connections, so that each carries many messages; and no silence is waited for longer than it takes to see it.
EXTRAS = {"connections": "5", "timeout": "10", "data_timeout": "60", "unavailable_after": "30"}
#: Seconds after which a pass is stopped.
LIMIT = 60.0
#: Seconds that a restart takes the server away, and how long a pass should take at least to have a middle.
AWAY, LONG_ENOUGH, MOST = 1.0, 2.0, 3_000


@dataclass
class Trial:
    """The results of one server."""

    name: str
    version: str = ""
    how: str = ""
    not_run: str = ""
    greeting: str = ""
    pipelining: bool = False
    mode: str = ""
    well: Pass | None = None
    restart: Pass | None = None
    scenarios: dict[str, tuple[Scenario, Pass | None, str]] = field(default_factory=dict)

    def own_faults(self) -> list[str]:
        """What is wrong by the laws of the ledger in the two great passes, each in a few words."""
        return [*_wrong("well", self.well, unknown=0), *_wrong("restart", self.restart, unknown=10)]

    def faults(self) -> list[str]:
        """The same and the special cases; empty when all is right."""
        found = self.own_faults()
        for name, (scenario, got, _) in self.scenarios.items():
            if got is not None and not scenario.judge(got):
                found.append(f"{name}: should be: {scenario.right}")
        return found


def _wrong(title: str, got: Pass | None, *, unknown: int) -> Iterator[str]:
    if got is None:
        return
    for what in ("missing", "doubled", "stored_unsent", "left", "altered"):
        if count := getattr(got, what):
            yield f"{title}: {count} {what.replace('_', ' ')}"
    # After a restart: one a connection, and as many that were just being opened anew.
    if got.unknown > unknown:
        yield f"{title}: {got.unknown} unknown"
    for framing in ("500 ", "503 "):
        if f"x {framing}" in got.words:
            yield f"{title}: failed by our own framing ({framing.strip()})"


class Bench:
    """A PostgreSQL for all trials, and a folder for each."""

    def __init__(self, postgres: PostgresServer, template: str, folder: Path, extras: Mapping[str, str]) -> None:
        self._postgres, self._template, self._folder = postgres, template, folder
        self.extras = {**EXTRAS, **extras}

    @contextmanager
    def mailing(self) -> Iterator[Mailing]:
        """A fresh ledger."""
        name = self._postgres.new_database(self._template)
        templates = Path(tempfile.mkdtemp(dir=self._folder))
        mailing = Mailing(dsn=self._postgres.dsn(name), templates=templates)
        # Cloned databases are one installation, and their Message-IDs would be the same.
        mailing.execute("UPDATE installation SET id = gen_random_uuid()")
        try:
            yield mailing
        finally:
            mailing.close()
            self._postgres.drop_database(name)

    def trial(self, kind: type[MailServer], cache: Path, *, only: str = "") -> Trial:
        """Everything about one server; what cannot be done stands in the result. `only` names scenarios to take."""
        trial = Trial(name=kind.name, how=kind.how)
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        folder.chmod(0o755)
        server = kind(folder, cache)
        try:
            server.install()
            trial.version = server.version
            if not only:
                self._passes(server, trial)
        except NotRun as why:
            trial.not_run = str(why)
            return trial
        for scenario in server.scenarios:
            if only in scenario.name:
                print(f"  {scenario.name}", flush=True)
                trial.scenarios[scenario.name] = (scenario, *self._scenario(server, scenario))
        return trial

    def _passes(self, server: MailServer, trial: Trial) -> None:
        with _running(server):
            trial.greeting, offers = server.greeting()
            trial.pipelining = "PIPELINING" in [line.upper() for line in offers]
            with self.mailing() as mailing, WireTap(server.port) as tap:
                extras = {**self.extras, "connections": "1"}
                one_pass(
                    mailing, server, "look", plain_people(LOOK, kind="look"),
                    extras=extras, seconds=20, port=tap.port,
                )  # fmt: skip
                trial.mode = tap.seen
            with self.mailing() as mailing:
                print("  300 messages", flush=True)
                trial.well = one_pass(
                    mailing,
                    server,
                    "well",
                    people(MESSAGES, kind="well", without=server.routes),
                    extras=self.extras,
                    seconds=LIMIT,
                )
        with _running(server), self.mailing() as mailing:
            print("  a restart in the middle", flush=True)
            trial.restart = self._with_restart(mailing, server, trial.well)

    def _with_restart(self, mailing: Mailing, server: MailServer, well: Pass) -> Pass:
        """As many messages as take a while by the rate that was just seen; the server goes away half-way."""
        count = min(MOST, max(MESSAGES, int(well.rate * LONG_ENOUGH)))
        expected = min(LIMIT, count / well.rate) if well.rate else LIMIT

        def restart() -> None:
            time.sleep(expected / 2)
            server.halt()
            time.sleep(AWAY)
            server.resume()

        return one_pass(
            mailing,
            server,
            "restart",
            people(count, kind="restart", without=server.routes),
            extras=self.extras,
            seconds=2 * LIMIT,
            meanwhile=restart,
        )

    def _scenario(self, server: MailServer, scenario: Scenario) -> tuple[Pass | None, str]:
        # As many connections as a mailing has if nothing is said: Postfix answers refusals a second later each.
        extras = {**self.extras, "connections": "20", **scenario.extras}
        try:
            with _running(server, scenario.variant), self.mailing() as mailing:
                everybody = plain_people(scenario.messages, kind="case")
                return one_pass(mailing, server, "case", everybody, extras=extras, seconds=scenario.seconds), ""
        except NotRun as why:
            return None, str(why)


@contextmanager
def _running(server: MailServer, variant: str = "") -> Iterator[None]:
    try:
        server.start(variant)
        yield
    finally:
        server.close()


def as_json(trial: Trial) -> dict[str, Any]:
    """A trial as plain values."""
    plain: Callable[[Pass | None], Any] = lambda one: one and one.as_json()  # noqa: E731
    return {
        "name": trial.name,
        "version": trial.version,
        "how": trial.how,
        "not_run": trial.not_run,
        "greeting": trial.greeting,
        "pipelining": trial.pipelining,
        "mode": trial.mode,
        "well": plain(trial.well),
        "restart": plain(trial.restart),
        "scenarios": {
            name: {"right": scenario.right, "result": plain(got), "not_run": why}
            for name, (scenario, got, why) in trial.scenarios.items()
        },
        "faults": trial.faults(),
    }
