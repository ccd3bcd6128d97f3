"""One stack for all tests of this folder: as `make run` starts it without the sample, with a mail server that counts.

A start costs half a minute of CPU. The person at the console comes first, to an empty install.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.stack_process import READS_OFTEN, REPOSITORY, StackProcess
from tests.acceptance.under_fire.mailing import Mailing
from tests.dags.bundles import local
from tests.integration.sending_world import World, quota
from tests.recording_smtp import RecordingServer

#: `make fire`: everything at its full size.
FIRE = os.environ.get("SES_FIRE") == "1"
#: Messages a second over all senders. A chunk carries 20 s of work, so this makes a task of 20 000 four chunks.
FIRE_RATE = 250
#: Seconds until the reply to a message, and connections: slow enough to be disturbed in mid-send on a busy machine.
REPLY_DELAY, CONNECTIONS = (0.25, 20) if FIRE else (0.4, 10)
#: Of the person at the console: the sender domain, messages a day of a rehearsal, and the seconds of such a day, after
#: which a pause is over.
CONSOLE_DOMAIN, ALLOTMENT, DAY_SECONDS = "shop.example.com", 30, 45
CONSOLE_QUOTA = quota(ALLOTMENT, day_length=f"PT{DAY_SECONDS}S", domain=CONSOLE_DOMAIN)
#: The sender domain of trigger mail.
CODES = "codes.example.com"


@pytest.fixture(scope="package")
def mail_server() -> Iterator[RecordingServer]:
    with RecordingServer(delay=REPLY_DELAY) as server:
        yield server


@pytest.fixture(scope="package")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's templates, which the person at the console has, in a folder to which tests may add theirs."""
    folder = tmp_path_factory.mktemp("templates")
    shutil.copytree(REPOSITORY / "include" / "templates", folder, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="package")
def stack(mail_server: RecordingServer, templates: Path) -> Iterator[StackProcess]:
    """A running stack that sends to `mail_server`."""
    rate = f"&max_messages_per_second={FIRE_RATE}" if FIRE else ""
    # The second is what a team has added.
    bundles = [local("dags-folder", REPOSITORY / "dags"), local("own", REPOSITORY / "examples" / "dags")]
    plans = {**quota(10_000_000), **CONSOLE_QUOTA, **quota(1_000_000, domain=CODES)}
    running = StackProcess(
        settings={
            "SES_SAMPLE": "off",
            "SES_TEMPLATES": str(templates),
            "AIRFLOW_CONN_SES_SMTP": f"{mail_server.uri}/?tls=none&connections={CONNECTIONS}{rate}",
            "AIRFLOW_VAR_SES_WARMUP_QUOTA": json.dumps(plans),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
            **READS_OFTEN,
            # Many small mailings side by side, which wait more than they work.
            "AIRFLOW__CORE__PARALLELISM": "16",
            # Each is a request to the API server; a clearing is noticed by the next one, well within DISTURBED.
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
        }
    )
    try:
        running.start_and_wait()
        World(dsn=running.description["db_dsn"], templates=templates).close()
        yield running
    finally:
        running.remove()


@pytest.fixture(scope="package")
def token(stack: StackProcess) -> str:
    return stack.token()


@pytest.fixture(scope="package")
def make_mailing(
    stack: StackProcess, mail_server: RecordingServer, token: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Mailing]]:
    """Starts immediate send tasks: `make_mailing("name", 500)`; with `refuse` the mail server refuses by it."""
    made: list[Mailing] = []
    # A world writes its template anew; the stack's own must not change while it is read.
    elsewhere = tmp_path_factory.mktemp("templates-of-nobody")

    def make(name: str, count: int, refuse: Callable[[str], bytes | None] | None = None) -> Mailing:
        if refuse is not None:
            mail_server.refuse = refuse
        world = World(dsn=stack.description["db_dsn"], templates=elsewhere)
        world.group(name, count)
        world.task(name, group=name)
        made.append(Mailing(stack=stack, token=token, mail_server=mail_server, world=world, name=name, count=count))
        return made[-1]

    yield make
    for mailing in made:
        mailing.world.close()


@pytest.fixture(scope="package")
def side_by_side(
    make_mailing: Callable[..., Mailing], request: pytest.FixtureRequest
) -> Iterator[dict[Any, Future[None]]]:
    """The parameters `story` of the tests that were asked for, each told in a thread: they wait more than they work."""
    specs = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    stories = [params["story"] for params in specs if hasattr(params.get("story"), "tell")]
    with ThreadPoolExecutor(len(stories)) as pool:
        yield {story: pool.submit(story.tell, make_mailing) for story in stories}
