"""A mailing as a person makes it: a file of recipients, a task, REST and the console; and who got what."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from typing import Any

from tests.compose.project import Project

DOMAIN = "letters.example.com"
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_TASK = """\
name: {name}
type: immediate
template: newsletter
sender: "Example Shop <news@{domain}>"
group: {name}
unsubscribe_url: "https://shop.example.com/unsubscribe?id={{{{ customer_id }}}}"
"""


def quota(a_day: int, day: str = "PT30S") -> str:
    """The Variable with the same quota on every day of a rehearsal."""
    plan = {"plan": [a_day], "started_on": "2026-01-01", "time_zone": "UTC", "day_length": day}
    return json.dumps({DOMAIN: plan})


def begin(project: Project, name: str, count: int) -> None:
    """Import `count` recipients and apply an immediate task of that name, as docs/production.md says."""
    folder = project.folder / "given"
    folder.mkdir(exist_ok=True)
    rows = "".join(f"{name}-{n}@readers.example,Person {n},{n},SPRING{n}\n" for n in range(count))
    (folder / "people.csv").write_text("email,name,customer_id,coupon\n" + rows)
    (folder / f"{name}.yaml").write_text(_TASK.format(name=name, domain=DOMAIN))
    project.once("ses", "group", "import", name, "/in.csv", mounts={folder / "people.csv": "/in.csv"})
    project.once("ses", "task", "apply", "/task.yaml", mounts={folder / f"{name}.yaml": "/task.yaml"})


def task(project: Project, name: str) -> dict[str, Any]:
    """The task's line of `ses task list --json`."""
    listed: list[dict[str, Any]] = json.loads(project.ses("task", "list", "--json"))
    return next(one for one in listed if one["name"] == name)


def received(project: Project, name: str) -> Counter[str]:
    """How often the mailbox got a mail for each of a mailing's addresses."""
    found: Counter[str] = Counter()
    start = 0
    while page := mailbox(f"/api/v1/messages?start={start}&limit=5000")["messages"]:
        found.update(one["To"][0]["Address"] for one in page)
        start += len(page)
    return Counter({address: count for address, count in found.items() if address.startswith(f"{name}-")})


def mailbox(path: str) -> Any:
    """Ask the demo profile's mailbox."""
    with _OPENER.open(f"http://127.0.0.1:8025{path}", timeout=60) as answer:
        return json.loads(answer.read())


class Rest:
    """Airflow's REST API, as the person of .env; from outside."""

    def __init__(self, project: Project, url: str = "http://127.0.0.1:8080") -> None:
        self.url = url
        (user, password), *_ = json.loads(project.env()["SES_WEB_PASSWORDS"]).items()
        self._token = self.call("POST", "/auth/token", {"username": user, "password": password})["access_token"]

    _token = ""

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The answer. Raises urllib.error.HTTPError for what is not 2xx."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        with _OPENER.open(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def pause(self, name: str, paused: bool) -> None:
        """Pause the task's DAG, or let it go on: the switch of Airflow's UI."""
        self.call("PATCH", f"/api/v2/dags/send_task__{name}", {"is_paused": paused})

    def page(self, path: str) -> str:
        """A page of the console, with this person's session."""
        request = urllib.request.Request(
            self.url + path, headers={"Cookie": f"_token={self._token}", "Accept": "text/html"}
        )
        with _OPENER.open(request, timeout=60) as answer:
            return str(answer.read().decode())

    def press(self, path: str, **fields: str) -> int:
        """Send a form of the console, as its page in a browser does; the status of where it leads to."""
        request = urllib.request.Request(
            self.url + path,
            data=urllib.parse.urlencode(fields).encode(),
            headers={"Cookie": f"_token={self._token}", "Origin": self.url},
        )
        with _OPENER.open(request, timeout=60) as answer:
            return int(answer.status)
