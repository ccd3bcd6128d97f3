"""PostgreSQL, the mail server and Airflow's components die in mid-send: nobody helps, nothing is lost or doubled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.acceptance.caught_mailings import (
    HASTY_POLICY,
    MAIL_SERVER,
    SOON,
    Caught,
    Lookout,
    Moment,
    PatientWorld,
    create_tasks,
    quota_variable,
)
from tests.acceptance.celery_machines import wait_for
from tests.acceptance.separate_components import JOB_TYPES, SeparateComponents
from tests.acceptance.under_fire.mailing import ASK_EVERY, has_ended
from tests.recording_smtp import RecordingServer
from tests.sizes import FULL

#: Seconds until the reply to a message, and connections a chunk: 20 messages a second.
REPLY_DELAY, CONNECTIONS = 0.25, 5
#: Seconds that PostgreSQL is away.
AWAY = 3.0
#: Seconds without any message that got through, until a sender gives up: little, so that retry and resume are needed.
UNAVAILABLE_AFTER = 2.0
#: Seconds after a blow for which the mail that it caught still leaves slowly.
SLOW_AFTERWARDS = 10.0
#: Seconds until everything has been sent, whatever died.
FINISHED_WITHIN = 400.0

#: The first of these tests tells the whole story.
pytestmark = pytest.mark.timeout(1_800)


Act = Callable[[Caught], None]


def kill(component: str) -> Act:
    return lambda caught: caught.stack.components[component].kill()


def kill_all_of(component: str) -> Act:
    return lambda caught: caught.stack.components[component].kill_all()


def kill_workers(caught: Caught) -> None:
    """The processes of LocalExecutor that watch over a task each; their tasks live on."""
    for worker in caught.stack.busy_workers():
        with suppress(psutil.NoSuchProcess):
            worker.kill()


def kill_workers_and_tasks(caught: Caught) -> None:
    for worker in caught.stack.busy_workers():
        with suppress(psutil.NoSuchProcess):
            for process in [*worker.children(recursive=True), worker]:
                process.kill()


def restart_postgres(caught: Caught) -> None:
    caught.stack.postgres.stop("fast")
    time.sleep(AWAY)
    caught.stack.postgres.start()


def kill_postgres(caught: Caught) -> None:
    caught.stack.postgres.kill()
    time.sleep(AWAY)
    caught.stack.postgres.start()


def take_the_mail_server_away(caught: Caught) -> None:
    """For longer than one mailing's retries and shorter than another's: its resume, and a retry, send the rest."""
    caught.mail_server.stop()
    caught.wait_for_the_words("cannot connect")
    caught.mail_server.start()


def kill_triggerer_and_dag_processor(caught: Caught) -> None:
    """Both at once: neither has a part in the sending that the other could hide."""
    for component in ("triggerer", "dag-processor"):
        caught.stack.components[component].kill_all()


#: What dies, with the components whose return is waited for.
ALL_BLOWS: dict[str, tuple[Act, tuple[str, ...]]] = {
    # First: its resume is due a minute later, while the other blows fall.
    MAIL_SERVER: (take_the_mail_server_away, ("api-server",)),
    "workers-alone": (kill_workers, ("api-server",)),
    "workers-and-tasks": (kill_workers_and_tasks, ("api-server",)),
    "triggerer-and-dag-processor": (kill_triggerer_and_dag_processor, ("triggerer", "dag-processor")),
    "api-server": (kill_all_of("api-server"), ("api-server",)),
    "scheduler-alone": (kill("scheduler"), ("scheduler",)),
    "scheduler-and-workers": (kill_all_of("scheduler"), ("scheduler",)),
    "postgres-restarted": (restart_postgres, ("api-server",)),
    "postgres-killed": (kill_postgres, ("api-server",)),
}
#: In `make test`: of each kind the harder one, which takes more with it.
HARDER = (MAIL_SERVER, "workers-and-tasks", "api-server", "scheduler-and-workers", "postgres-killed")
BLOWS = {name: blow for name, blow in ALL_BLOWS.items() if FULL or name in HARDER}
#: Components without which the next blow can be prepared: their return is waited for meanwhile.
NOT_NEEDED_FOR_THE_NEXT = {"triggerer", "dag-processor"}


@dataclass
class Story:
    """One blow after the other, told once for all tests of this file."""

    stack: SeparateComponents
    world: PatientWorld
    mail_server: RecordingServer
    caught: dict[str, Caught] = field(default_factory=dict)
    #: Seconds from each blow until the component was back, and until everything had been sent.
    back_after: dict[str, float] = field(default_factory=dict)
    finished_after: dict[str, float] = field(default_factory=dict)

    def tell(self) -> None:
        with ThreadPoolExecutor() as pool:
            returns = self._strike_all(pool)
            end = time.monotonic() + FINISHED_WITHIN
            while not self._note_finished():
                assert time.monotonic() < end, self.unfinished()
                time.sleep(ASK_EVERY)
            for coming in returns:
                coming.result()

    def _strike_all(self, pool: ThreadPoolExecutor) -> list[Future[None]]:
        """One blow after the other; what was hit comes back while the next one is prepared."""
        returns = []
        for blow, (act, components) in BLOWS.items():
            caught = self.caught[blow] = Caught(blow, self.stack, self.world, self.mail_server)
            self._note_finished()
            caught.prepare()
            before = {component: self._state_of(component) for component in components}
            caught.strike(partial(act, caught))
            # A scheduler that lost its database waits for the tasks that run: mail in mid-send must end some time.
            threading.Timer(SLOW_AFTERWARDS, caught.hurry).start()
            returns.append(pool.submit(self._note_return, caught, before))
            if not set(components) <= NOT_NEEDED_FOR_THE_NEXT:
                returns[-1].result()
        return returns

    def _note_return(self, caught: Caught, before: dict[str, int]) -> None:
        what = f"return of {', '.join(before)} ({caught.blow})"
        wait_for(partial(self._are_back, before), what, SOON, every=ASK_EVERY)
        self.back_after[caught.blow] = time.monotonic() - caught.struck_at

    def _note_finished(self) -> bool:
        for blow, caught in self.caught.items():
            if blow not in self.finished_after and caught.struck_at and caught.finished():
                self.finished_after[blow] = time.monotonic() - caught.struck_at
        return self.finished_after.keys() == BLOWS.keys()

    def _state_of(self, component: str) -> int:
        if component in JOB_TYPES:
            return self.stack.newest_job(component)
        return self.stack.components[component].pid

    def _are_back(self, before: dict[str, int]) -> bool:
        jobs = {component: state for component, state in before.items() if component in JOB_TYPES}
        newer = all(self.stack.newest_job(component) > state for component, state in jobs.items())
        return newer and (bool(jobs) or not self.stack.unhealthy())

    def unfinished(self) -> str:
        """What is not finished, with Airflow's runs of it."""
        left = [one for caught in self.caught.values() for one in caught.mailings.values()]
        return "\n".join(f"{one.look()}\n{one.runs()}" for one in left if not has_ended(one.look()))

    def table(self) -> str:
        """What each blow cost, in seconds."""
        lines = [
            f"{'blow':28}{'ready':>7}{'back':>7}{'still':>7}{'start':>7}{'settle':>8}{'resume':>8}{'end':>7}  unknown"
        ]
        for blow, caught in self.caught.items():
            figures = (
                f"{caught.prepared_within:7.1f}{self.back_after[blow]:7.1f}{caught.standstill():7.1f}{caught.first_mail():7.1f}"
                f"{caught.resumed_late(Moment.SETTLING):8.1f}{caught.resumed_late(Moment.WAITING):8.1f}"
                f"{self.finished_after[blow]:7.1f}"
            )
            lines.append(f"{blow:28}{figures}  {sum(caught.unknown().values())}")
        return "\n".join(lines)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    templates: Path = tmp_path_factory.mktemp("templates")
    blows = list(BLOWS)
    with RecordingServer(delay=REPLY_DELAY) as mail_server:
        stack = SeparateComponents(
            settings={
                "SES_TEMPLATES": str(templates),
                # As docker-compose.yaml has it.
                "AIRFLOW__CORE__PARALLELISM": "8",
            }
        )
        try:
            stack.add_policy(HASTY_POLICY)
            worlds: list[PatientWorld] = []

            def fill_ledger() -> None:
                worlds.append(PatientWorld(dsn=stack.description["db_dsn"], templates=templates))
                create_tasks(worlds[0], blows)

            stack.start_and_wait(fill_ledger)
            configure(stack, mail_server, quota_variable(blows))
            world = worlds[0]
            wait_for(lambda: dag_count(stack) == len(blows) * len(Moment), "DAGs of all tasks", SOON, every=0.3)
            told = Story(stack, world, mail_server)
            with Lookout(world.dsn) as lookout:
                told.tell()
            assert lookout.looks > 100
            assert not lookout.wrong, lookout.wrong[0]
            print(told.table())
            yield told
            world.close()
        finally:
            stack.remove()


def configure(stack: SeparateComponents, mail_server: RecordingServer, plans: str) -> None:
    """The connection and the Variable, as a person enters them."""
    token = stack.token()
    connection = {
        "connection_id": "ses_smtp",
        "conn_type": "smtp",
        "host": "127.0.0.1",
        "port": mail_server.port,
        "extra": f'{{"tls": "none", "connections": {CONNECTIONS}, "unavailable_after": {UNAVAILABLE_AFTER}}}',
    }
    variable = {"key": "ses_warmup_quota", "value": plans}
    for path, body in (("connections", connection), ("variables", variable)):
        status, answer = stack.call("POST", f"/api/v2/{path}", body, token=token)
        assert status == 201, answer


def dag_count(stack: SeparateComponents) -> int:
    _, answer = stack.call("GET", "/api/v2/dags?dag_id_pattern=send_task__&limit=1", token=stack.token())
    return int(answer["total_entries"])


@pytest.mark.parametrize("blow", BLOWS)
def test_nobody_is_lost_and_nobody_gets_it_twice(story: Story, blow: str):
    for mailing in story.caught[blow].mailings.values():
        mailing.check_finished()


@pytest.mark.parametrize("blow", BLOWS)
def test_what_is_in_doubt_is_little(story: Story, blow: str):
    unknown = story.caught[blow].unknown()
    assert max(unknown.values(), default=0) <= CONNECTIONS, unknown


def test_when_the_mail_server_is_back_the_resume_sends_what_the_retries_had_given_up_and_a_retry_the_rest(story: Story):
    """Nobody triggered anything: the second run is the one that settle asked for."""
    caught = story.caught[MAIL_SERVER]
    runs = caught.mailings[Moment.SENDING].runs()
    first, *resumes = runs
    assert runs[first] == "failed", "a run with a failed chunk must be red"
    assert resumes
    assert all(run.startswith("resume__") for run in resumes), resumes
    # More than two, if later blows caught the resume as well.
    assert {"failed", "success"} <= set(caught.task_states(Moment.SENDING, "send_chunk"))
    assert list(caught.mailings[Moment.STARTING].runs().values()) == ["success"]
    assert caught.task_states(Moment.STARTING, "send_chunk") == ["success"]


def test_the_ledger_holds(story: Story):
    story.world.check_ledger()
