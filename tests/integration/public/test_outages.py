"""What was answered 2xx is recorded, and recorded once, whatever dies meanwhile."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import psutil
import pytest

from ses_ops.application.event_intake import EventIntake
from ses_ops.application.token_secrets import TokenSecrets
from ses_ops.domain.unsubscribe_language import LANGUAGES
from ses_ops.errors import Explanation
from ses_ops.events.tokens import LENGTH, Purpose, TokenMaker
from ses_ops.storage.connection import connected
from ses_ops.storage.events.token_secrets import add_secret, token_secrets
from ses_ops.storage.migrate import upgrade
from tests.integration.events.mailing import Mailing, sent
from tests.integration.public.listener_process import ListenerProcess
from tests.integration.sending_world import World
from tests.postgres_server import DURABLE, PostgresServer

#: The first goes by the disk to PostgreSQL, the second there at once.
ONE_CLICK, FORM = {"List-Unsubscribe": "One-Click"}, {"wants": "leave"}
ROUNDS = int(os.environ.get("SES_FIRE_ROUNDS", "8"))
RECIPIENTS = 20_000


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of its own, which is killed, and keeps what it committed."""
    server = PostgresServer.create(DURABLE)
    server.start()
    upgrade(server.dsn())
    yield server
    with suppress(Exception):
        server.stop("immediate")
    server.remove()


@pytest.fixture(scope="module")
def mailing(server, tmp_path_factory) -> Iterator[Mailing]:
    world = World(dsn=server.dsn(), templates=tmp_path_factory.mktemp("templates"))
    yield sent(world, "spring", [f"r{n}@example{n % 7}.org" for n in range(RECIPIENTS)])
    world.close()


@pytest.fixture(scope="module")
def tokens(mailing) -> list[str]:
    maker = TokenMaker(token_secrets(mailing.world.conn)[0], Purpose.UNSUBSCRIBE)
    mailing.world.conn.rollback()
    keys = [mailing.key(seq) for seq in range(1, RECIPIENTS + 1)]
    return [maker.make(key.occurrence_id, key.seq, key.address_check, LANGUAGES.index("en")) for key in keys]


@pytest.fixture
def listeners(server, tmp_path) -> Iterator[list[ListenerProcess]]:
    """Two that share a spool."""
    both = [ListenerProcess(dsn=server.dsn(), spool=tmp_path / "spool") for _ in range(2)]
    for one in both:
        one.launch()
    for one in both:
        one.wait()
    yield both
    for one in both:
        one.kill()


class Clients:
    """Mail clients that each leave once, one after the other, and note which were told that it is done."""

    def __init__(self, listeners: list[ListenerProcess], tokens: list[str], first: int) -> None:
        self.answered: list[int] = []
        self._next = iter(range(first, len(tokens)))
        self._lock = threading.Lock()
        self._ends = threading.Event()
        self._listeners, self._tokens = listeners, tokens
        self._threads = [threading.Thread(target=self._ask, args=(one,)) for one in listeners for _ in range(3)]
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join(60)

    def _ask(self, listener: ListenerProcess) -> None:
        with httpx.Client(base_url=listener.url, trust_env=False, timeout=10) as client:
            while not self._ends.is_set():
                with self._lock:
                    place = next(self._next)
                try:
                    answer = client.post(f"/u/{self._tokens[place]}", data=ONE_CLICK if place % 2 else FORM)
                except httpx.TransportError:
                    time.sleep(0.02)
                    continue
                assert answer.status_code in (200, 503), answer.text
                if answer.status_code == 200:
                    self.answered.append(place + 1)
                time.sleep(0.002)


def recorded(server: PostgresServer) -> dict[int, int]:
    """How many events each message has, read on a connection of its own."""
    conn = server._connect()
    try:
        with conn.cursor() as cursor:
            cursor.execute("SELECT seq, count(*) FROM message_event GROUP BY seq")
            return dict(cursor.fetchall())
    finally:
        conn.close()


def until_drained(listener: ListenerProcess, seconds: float = 120) -> dict:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        health = httpx.get(f"{listener.url}/health", trust_env=False, timeout=30).json()
        if health["database"] == "ok" and health["waiting_octets"] == 0:
            return health
        time.sleep(0.1)
    raise AssertionError(f"{health}\n{listener.log}")


def test_kills_at_random_moments_lose_nothing_that_was_answered(server, listeners, tokens, mailing):
    seed = int(os.environ.get("SES_FIRE_SEED", "0")) or random.randrange(2**32)
    moments = random.Random(seed)
    clients = Clients(listeners, tokens, first=0)
    for number in range(ROUNDS):
        time.sleep(moments.uniform(0.0, 0.3))
        # The first time for certain: without the database it is that the spool is tried.
        victim = moments.choice(["database", "listener", "listener", "both"]) if number else "database"
        if victim != "database":
            moments.choice(listeners).kill()
        if victim != "listener":
            server.kill()
            time.sleep(moments.uniform(0.0, 0.4))
            if moments.random() < 0.5:  # a listener also starts while the database is not there
                start_missing(listeners)
            server.start()
        start_missing(listeners)
        moments.choice(listeners).wait()  # or nobody would be there to be killed
    for one in listeners:
        one.wait()
    spooled = sum("go to the spool" in one.log for one in listeners)
    clients.finish()
    for one in listeners:
        until_drained(one)
    there = recorded(server)
    lost = set(clients.answered) - set(there)
    twice = {seq for seq, count in there.items() if count > 1}
    assert len(clients.answered) > 50, "nothing was tried"
    assert spooled, "the spool was not tried"
    assert not lost, f"{len(lost)} of {len(clients.answered)} answered are lost (SES_FIRE_SEED={seed})"
    assert not twice, f"recorded twice: {twice} (SES_FIRE_SEED={seed})"


def start_missing(listeners: list[ListenerProcess]) -> None:
    for one in listeners:
        if one.process is None:
            one.launch()


def test_a_listener_that_starts_without_the_database_checks_tokens_by_its_copy(server, tokens, mailing, tmp_path):
    listener = ListenerProcess(dsn=server.dsn(), spool=tmp_path / "spool")
    listener.start()
    listener.kill()
    assert (listener.spool / "token-secrets.json").stat().st_mode & 0o777 == 0o600
    server.stop("immediate")
    try:
        listener.start()
        with httpx.Client(base_url=listener.url, trust_env=False, timeout=60) as client:
            assert client.post(f"/u/{tokens[-1]}", data=ONE_CLICK).status_code == 200
            assert "Do you want to stop" in client.get(f"/u/{tokens[-2]}").text
            assert client.post(f"/u/{tokens[-2]}x", data=ONE_CLICK).status_code == 404
            # One-click requests go to the disk first: the database is missed by whoever takes them from there.
            end = time.monotonic() + 60
            while (health := client.get("/health")).json()["database"] != "away":
                assert time.monotonic() < end, health.text
                time.sleep(0.1)
            assert (health.status_code, health.json()["status"]) == (200, "degraded")
    finally:
        server.start()
    until_drained(listener)
    assert recorded(server)[RECIPIENTS] == 1
    listener.kill()


def test_a_listener_that_cannot_check_a_token_says_so_and_learns_later(server, tokens, mailing, tmp_path):
    server.stop("immediate")
    listener = ListenerProcess(dsn=server.dsn(), spool=tmp_path / "spool")
    try:
        listener.start()
        with httpx.Client(base_url=listener.url, trust_env=False, timeout=60) as client:
            answer = client.post(f"/u/{tokens[-3]}", data=ONE_CLICK)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
            assert client.get("/health").status_code == 503
    finally:
        server.start()
    end = time.monotonic() + 60
    while (status := httpx.post(f"{listener.url}/u/{tokens[-3]}", data=ONE_CLICK, timeout=30).status_code) != 200:
        assert (status, time.monotonic() < end) == (503, True)
        time.sleep(0.2)
    listener.kill()


def test_secrets_that_a_statement_could_not_read_for_once_are_read_again(ses_dsn, tmp_path, caplog):
    def until(holds):
        end = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < end
            assert secrets.read("0" * LENGTH, Purpose.UNSUBSCRIBE) is None, "an unknown token asks for newer ones"
            time.sleep(0.05)

    caplog.set_level("INFO")
    secrets = TokenSecrets(ses_dsn, tmp_path)
    secrets.start()
    try:
        with connected(ses_dsn) as conn, conn.cursor() as cursor:
            cursor.execute(
                "ALTER TABLE token_secret RENAME TO elsewhere;"
                "CREATE VIEW token_secret AS SELECT id, (1 / (id - id))::text::bytea AS secret FROM elsewhere"
            )
            conn.commit()
            until(lambda: "division by zero" in caplog.text)
            cursor.execute("DROP VIEW token_secret; ALTER TABLE elsewhere RENAME TO token_secret")
            add_secret(conn)
            conn.commit()
            before = secrets.version
            until(lambda: secrets.version > before)
    finally:
        secrets.close()


def test_what_was_refused_is_counted_although_the_session_that_counts_was_lost(ses_dsn, ses_conn, tmp_path):
    def of_drainer(what):
        ses_conn.rollback()
        with ses_conn.cursor() as cursor:
            cursor.execute(
                f"SELECT {what} FROM pg_stat_activity"
                " WHERE application_name = 'ses spool' AND datname = current_database() AND state = 'idle'"
            )
            return cursor.fetchall()

    def counted():
        ses_conn.rollback()
        with ses_conn.cursor() as cursor:
            cursor.execute("SELECT refused::int FROM event_feed WHERE source = 'hook'")
            return cursor.fetchall()

    intake = EventIntake(ses_dsn, tmp_path)
    intake.start()
    try:
        end = time.monotonic() + 60
        while not of_drainer("pg_terminate_backend(pid, 30000)"):
            assert time.monotonic() < end
            time.sleep(0.05)
        intake.note_refused("hook", Explanation("mail_recipient_refused"))
        while counted() != [(1,)]:
            assert time.monotonic() < end, counted()
            time.sleep(0.05)
    finally:
        intake.close()


def test_a_full_disk_is_answered_503_while_the_database_is_away_and_later_it_goes_on(server, tokens, mailing, tmp_path):
    # A file of the listener's may not grow beyond these octets, so the spool has room for a few events.
    listener = ListenerProcess(dsn=server.dsn(), spool=tmp_path / "spool", before="ulimit -f 1")
    listener.start()
    server.stop("immediate")
    kept, refused = [], []
    try:
        with httpx.Client(base_url=listener.url, trust_env=False, timeout=60) as client:
            for place in range(RECIPIENTS - 60, RECIPIENTS - 40):
                status = client.post(f"/u/{tokens[place]}", data=ONE_CLICK if place % 2 else FORM).status_code
                (kept if status == 200 else refused).append(place + 1)
                assert status in (200, 503)
                if status == 503:
                    health = client.get("/health")
                    assert (health.status_code, health.json()["disk"]) == (503, "full")
    finally:
        server.start()
    until_drained(listener)
    there = recorded(server)
    assert (len(kept) > 0, len(refused) > 0, {there.get(seq) for seq in kept}) == (True, True, {1})
    listener.kill()


def test_a_database_that_hangs_holds_nobody_up(server, tokens, mailing, tmp_path):
    listener = ListenerProcess(dsn=server.dsn(), spool=tmp_path / "spool")
    listener.start()
    postmaster = psutil.Process(int((server.folder / "data" / "postmaster.pid").read_text().split()[0]))
    processes = [postmaster, *postmaster.children(recursive=True)]
    with httpx.Client(base_url=listener.url, trust_env=False, timeout=60) as client:
        assert client.post(f"/u/{tokens[-5]}", data=FORM).status_code == 200
        for one in processes:
            one.suspend()
        try:
            began = time.monotonic()
            assert client.post(f"/u/{tokens[-6]}", data=FORM).status_code == 200
            assert time.monotonic() - began < 30
            took = []
            for token in tokens[-11:-6]:
                began = time.monotonic()
                assert client.post(f"/u/{token}", data=FORM).status_code == 200
                assert client.get(f"/u/{token}").status_code == 200
                took.append(time.monotonic() - began)
            assert min(took) < 1, took
        finally:
            for one in processes:
                with suppress(psutil.Error):
                    one.resume()
    until_drained(listener)
    there = recorded(server)
    assert [there.get(RECIPIENTS - back) for back in range(4, 11)] == [1] * 7
    listener.kill()


def test_a_full_disk_holds_no_one_click_up_while_the_database_is_there(server, tokens, mailing, tmp_path):
    listener = ListenerProcess(dsn=server.dsn(), spool=tmp_path / "spool", before="ulimit -f 1")
    listener.start()
    places = range(RECIPIENTS - 90, RECIPIENTS - 70)
    with httpx.Client(base_url=listener.url, trust_env=False, timeout=60) as client:
        for place in places:
            assert client.post(f"/u/{tokens[place]}", data=ONE_CLICK).status_code == 200
    until_drained(listener)
    there = recorded(server)
    assert {there.get(place + 1) for place in places} == {1}
    listener.kill()
