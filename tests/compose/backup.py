"""Both databases dumped in mid mailing, the installation lost, and another one made of the dumps elsewhere."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.compose.arrived import one_each
from tests.compose.document import commands, run_as_written
from tests.compose.engine import EngineError
from tests.compose.mailing import DOMAIN, begin, mailbox, quota, received, task
from tests.compose.project import READY_WITHIN, Project, wait_for
from tests.compose.report import Report
from tests.compose.scene import MAILBOX, Scene

RECIPIENTS = 1_000
A_DAY = 300
_SETTINGS = {
    "AIRFLOW_CONN_SES_SMTP": MAILBOX + "&max_messages_per_second=30",
    "AIRFLOW_VAR_SES_WARMUP_QUOTA": f"'{quota(A_DAY)}'",
}
_RECURRING = f"""\
name: weekly
type: recurring
template: newsletter
sender: "Example Shop <news@{DOMAIN}>"
group: spring
unsubscribe_url: "https://shop.example.com/unsubscribe?id={{{{ customer_id }}}}"
start_at: 2030-03-01 09:00
time_zone: Asia/Tokyo
every: 7d
"""


def run(scene: Scene) -> None:
    """The old installation, and the new one."""
    report = scene.report
    kept = scene.engine.folder / "kept"
    kept.mkdir(exist_ok=True)
    with scene.installation(["demo"], _SETTINGS) as old:
        with report.step("up, until every container is healthy"):
            old.up()
        key = _a_key_and_a_recurring_task(old, report)
        _dump_in_mid_mailing(old, report, kept)
        with report.step("mail goes on after the dump; then the installation is gone, with its volumes"):
            at_dump = len(received(old, "spring"))
            wait_for("mail after the dump", lambda: len(received(old, "spring")) >= at_dump + 100, 120)
            before = _last_look(old)
            old.down("-v")
            assert not scene.engine.run("volume", "ls", "--quiet").strip(), "a volume was left"
            report.figure(
                "who had the mail when the old one was gone",
                f"{len(before)} of {RECIPIENTS}; at the dump some {at_dump}",
            )
    with _elsewhere(scene, kept) as new:
        _restore(new, report)
        _refuses(new, report, key, before)
        _settle(new, report, before)
        _survived(new, report, key)


def _a_key_and_a_recurring_task(project: Project, report: Report) -> str:
    with report.step(f"an API key, a mailing to {RECIPIENTS} under {A_DAY} a day, a recurring task of later"):
        made = json.loads(project.ses("key", "create", "shop", "--scope", "manage", "--domain", DOMAIN, "--json"))
        begin(project, "spring", RECIPIENTS)
        file = project.folder / "given" / "weekly.yaml"
        file.write_text(_RECURRING)
        project.once("ses", "task", "apply", "/weekly.yaml", mounts={file: "/weekly.yaml"})
    return f"{made['id']}:{made['secret']}"


def _dump_in_mid_mailing(project: Project, report: Report, kept: Path) -> None:
    with report.step("docs/production.md, Backups: both databases are dumped while a chunk is being sent"):
        wait_for("the middle of the second day", lambda: len(received(project, "spring")) >= A_DAY + 60, 180, every=0.5)
        run_as_written(project, commands("Backups")[0])
    for name in (".env", "ses.dump", "airflow.dump"):
        (kept / name).write_bytes((project.folder / name).read_bytes())


def _last_look(project: Project) -> Counter[str]:
    """Stop what sends, and read the mailbox, which goes with the installation."""
    project.compose("stop", "scheduler", "api")
    return received(project, "spring")


@contextmanager
def _elsewhere(scene: Scene, kept: Path) -> Iterator[Project]:
    """Another folder and name, with the old .env and the dumps."""
    with scene.installation(["demo"], {}, name="elsewhere") as project:
        for name in (".env", "ses.dump", "airflow.dump"):
            (project.folder / name).write_bytes((kept / name).read_bytes())
        yield project


def _restore(project: Project, report: Report) -> None:
    with report.step(
        "docs/production.md, Backups: both are restored elsewhere, all is started, and healthy but for the API"
    ):
        run_as_written(project, commands("Backups")[1])
        # The API accepts nothing yet, and its health check says so.
        wait_for("health", lambda: project.unhealthy() == project.service("api"), READY_WITHIN, every=2.0)


def _refuses(project: Project, report: Report, key: str, before: Counter[str]) -> None:
    with report.step("nothing is sent or accepted for 30 s; the API and `ses doctor` say why"):
        time.sleep(30)
        assert not mailbox("/api/v1/messages?limit=1")["total"], "the restored ledger has sent"
        status, answer = _api(key, "POST", "/v1/messages", _message("early@readers.example"))
        assert (status, answer.get("code")) == (503, "ledger_restored"), (status, answer)
        report.figure("the API's answer before `ses restore`", f"{status} {answer['detail']}")
        assert _api(key, "GET", "/health")[1]["database"] == "restored"
        try:
            said = project.ses("doctor")
        except EngineError as failed:
            said = str(failed)
        assert "ses restore" in said, f"`ses doctor` does not say what to do:\n{said}"


def _settle(project: Project, report: Report, before: Counter[str]) -> None:
    dry, restore, _ = commands("Backups")[2].splitlines()
    with report.step("`ses restore` makes doubts of all that had no outcome; still nobody is mailed"):
        report.figure("ses restore --dry-run", " / ".join(run_as_written(project, dry).split("\n")[:6]))
        run_as_written(project, restore)
        wait_for("the API's health", lambda: not project.unhealthy(), 120)
        unknown = _unknown(project)
        report.figure("unknown after `ses restore`", f"{unknown} of {RECIPIENTS}")
        time.sleep(10)
        assert not received(project, "spring"), "somebody was mailed who was in doubt"
        assert unknown >= len(before) - (RECIPIENTS - unknown), "who got it after the dump is not in doubt"
    with report.step(
        "a person settles the doubts by the relay's log; the rest arrives, and nobody twice over both mailboxes"
    ):
        log = "".join(f"to=<{one}>, status=sent (250 2.0.0 Ok: queued)\n" for one in before)
        (project.folder / "relay.log").write_text(log)
        (settle,) = commands("Backups")[3].splitlines()
        report.figure("ses task resolve-unknown", run_as_written(project, settle.replace("NAME", "spring")).strip())
        wait_for("the end", lambda: task(project, "spring")["status"] == "finished", 240, every=3)
        one_each(before + received(project, "spring"), RECIPIENTS)


def _unknown(project: Project) -> int:
    said = project.inside(
        "postgres",
        "psql",
        "-U",
        "postgres",
        "-d",
        "ses",
        "-Atqc",
        "SELECT count(*) FROM message WHERE state = 'unknown'",
    )
    return int(said)


def _survived(project: Project, report: Report, key: str) -> None:
    with report.step("the recurring task is as it was; the API key of before sends"):
        found = task(project, "weekly")
        assert "2030-03-01" in json.dumps(found), found
        status, answer = _api(key, "POST", "/v1/messages", _message("late@readers.example"))
        assert status in (200, 202), (status, answer)
        wait_for("the message", lambda: _got("late@readers.example") == 1, 30)
        assert not _got("early@readers.example"), "what was answered with 503 was sent"


def _got(address: str) -> int:
    return sum(one["To"][0]["Address"] == address for one in mailbox("/api/v1/messages?limit=5000")["messages"])


def _message(address: str) -> dict[str, str]:
    return {"from": f"news@{DOMAIN}", "to": address, "subject": "A code", "text": "394 021"}


def _api(key: str, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Status and JSON of the service api's answer."""
    request = urllib.request.Request(
        f"http://127.0.0.1:8060{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        method=method,
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())
