"""What docker-compose.yaml says about rights, limits, ports and secrets, as the kernel and the containers see it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.compose.images import build_ours
from tests.compose.processes import Group, open_ports, processes
from tests.compose.project import Project
from tests.compose.report import Report
from tests.compose.scene import MAILBOX, Scene

USER = 50000
#: Which services listen for the others, beside what the file publishes: Airflow's health and log servers, and servers.
_BETWEEN = {
    "postgres": {5432},
    "redis": {6379},
    "mailpit": {1025},
    "scheduler": {8974, 8793},
    "triggerer": {8794},
    "celery-worker": {8793},
}
_UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_SECRET = ("PASSWORD", "SECRET", "FERNET", "KEY")
_PROBE = """\
import os, sys
def may(path):
    try:
        with open(path, "w") as file:
            file.write("x")
    except OSError:
        return False
    os.remove(path)
    return True
wrong = [path for path in sys.argv[1].split(",") if may(path + "/probe")]
wrong += [path for path in sys.argv[2].split(",") if not may(path + "/probe")]
print(" ".join(wrong))
"""
_MANY = """\
import subprocess
children = []
try:
    for _ in range(2000):
        children.append(subprocess.Popen(["sleep", "60"]))
    print(2000)
except OSError:
    print(len(children))
finally:
    for one in children:
        one.kill()
    for one in children:
        one.wait()
"""


def run(scene: Scene) -> None:
    """An installation of its own, with the demo profile."""
    with scene.installation(["demo"], {"AIRFLOW_CONN_SES_SMTP": MAILBOX}) as project:
        with scene.report.step("up, until every container is healthy"):
            project.up()
        check(project, scene.report)


def check(project: Project, report: Report, *, own_ports: Collection[int] = ()) -> None:
    """All of it, of an installation that is up; `own_ports` are what the test itself serves. Raises AssertionError."""
    services = yaml.safe_load((project.folder / "docker-compose.yaml").read_text())["services"]
    running = {name: service for name, service in _running(project) if name}
    pids = {name: project.pid(name) for name in running}
    ours = [name for name, service in running.items() if "ses-ops" in services[service].get("image", "")]
    assert len(ours) >= 8, f"containers of our image: {ours}"
    with report.step("our processes: user 50000, no capability, no new privileges"):
        for name in running:
            _check_rights(name, pids[name], ours=name in ours)
    with report.step("our containers: nothing to write but /tmp and their volumes"):
        for name in ours:
            _check_files(project, name, services[running[name]])
    with report.step("open ports: what the file publishes, and what services need of each other"):
        for name, service in running.items():
            _check_ports(name, service, pids[name], services[service])
        _check_outside(project, services, set(running.values()), own_ports)
    with report.step("limits of memory and processes are the file's"):
        for name, service in running.items():
            _check_limits(name, pids[name], services[service])
        _check_many_processes(project, services["public"], report)
    with report.step("30 MB of log are kept as no more than the file's 20"):
        _check_log(project, services["callbacks"], report)
    with report.step("no secret in labels, commands, health checks, processes or the image"):
        secrets = [
            value for name, value in project.env().items() if any(word in name for word in _SECRET) and len(value) > 8
        ]
        secrets += json.loads(project.env()["SES_WEB_PASSWORDS"]).values()
        assert len(secrets) >= 7, f"only {len(secrets)} secrets in .env"
        for name in running:
            _check_secrets(project, name, pids[name], secrets)
        _check_image(project, secrets)


def _running(project: Project) -> Iterator[tuple[str, str]]:
    for name, facts in project.containers().items():
        if facts["State"] == "running":
            yield name, facts["Labels"]["com.docker.compose.service"]


def _check_rights(name: str, first: int, *, ours: bool) -> None:
    found = processes(first)
    assert found, f"{name} has no process"
    for one in found:
        assert one.status["NoNewPrivs"] == "1", f"{name}: {one.command} may gain privileges"
        if ours:
            assert one.users == {USER}, f"{name}: {one.command} runs as {one.users}"
            assert not one.capabilities, f"{name}: {one.command} has {one.capabilities}"


def _check_files(project: Project, name: str, service: dict[str, Any]) -> None:
    mine = [one.split(":")[1] for one in service.get("volumes", ()) if not one.endswith(":ro")] + ["/tmp"]
    no = "/opt,/opt/ses-ops,/opt/venv/bin,/etc,/usr/bin,/run,/var/tmp,/"
    wrong = project.engine.run("exec", name, "python", "-c", _PROBE, no, ",".join(mine)).strip()
    assert not wrong, f"{name}: can be written to and should not, or the other way round: {wrong}"
    rights = project.engine.run("exec", name, "cat", "/proc/self/status")
    for line in ("CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", f"Uid:\t{USER}"):
        assert line in rights, f"{name}: a command that is run in it has not {line}: {rights}"


def _targets(service: dict[str, Any]) -> set[int]:
    return {int(one.rsplit(":", 1)[1]) for one in service.get("ports", ())}


def _check_ports(name: str, service: str, pid: int, said: dict[str, Any]) -> None:
    found = {port for kind, address, port in open_ports(pid) if not address.is_loopback}
    meant = _targets(said) | _BETWEEN.get(service, set())
    assert found <= meant, f"{name} listens on {sorted(found - meant)} as well"
    assert _targets(said) <= found, f"{name} does not listen on {sorted(_targets(said) - found)}"


def _check_outside(project: Project, services: dict[str, Any], running: set[str], own: Collection[int]) -> None:
    """Published: at 127.0.0.1 only, as .env.example has it. The names of containers are answered on port 53."""
    published: set[tuple[str, int]] = set()
    for name in running:
        for target in _targets(services[name]):
            said = project.engine.inspect(project.service(name)[0])["NetworkSettings"]["Ports"][f"{target}/tcp"]
            published.update((one["HostIp"], int(one["HostPort"])) for one in said)
    assert {address for address, _ in published} == {"127.0.0.1"}, f"published to others: {published}"
    found = {(str(address), port) for _, address, port in open_ports(1) if port not in (53, *own)}
    assert found <= published, f"open on this machine, and not published: {found - published}"


def _check_limits(name: str, pid: int, service: dict[str, Any]) -> None:
    limits = service["deploy"]["resources"]["limits"]
    memory = int(limits["memory"][:-1]) * _UNITS[limits["memory"][-1]]
    group = Group(pid)
    assert group.memory_limit == memory, f"{name}: {group.memory_limit} octets of memory, the file says {memory}"
    assert group.pids_limit == limits["pids"], f"{name}: {group.pids_limit} processes, the file says {limits['pids']}"


def _check_many_processes(project: Project, service: dict[str, Any], report: Report) -> None:
    limit = service["deploy"]["resources"]["limits"]["pids"]
    made = project.inside("public", "python", "-c", _MANY).strip()
    assert 0 < int(made) < limit, f"{made} processes with a limit of {limit}"
    report.figure("processes that one more command could start in `public`, whose limit is 100", made)
    answer = project.inside(
        "public", "python", "-c", 'import urllib.request as r; print(r.urlopen("http://localhost:8070/health").status)'
    )
    assert answer.strip() == "200", f"public does not answer after that: {answer}"


def _check_log(project: Project, service: dict[str, Any], report: Report) -> None:
    """Docker would keep `max-file` such files; podman 4.3 keeps one, and begins it anew when it is full."""
    (name,) = project.service("callbacks")
    limit = int(service["logging"]["options"]["max-size"].removesuffix("m")) * 1_000_000
    project.engine.run("exec", name, "sh", "-c", "head -c 30000000 /dev/zero | tr '\\0' x | fold -w 1000 >/proc/1/fd/1")
    said = project.engine.inspect(name)["HostConfig"]["LogConfig"]
    size = Path(said["Path"]).stat().st_size
    assert said["Size"] == f"{limit // 1_000_000}MB", said
    assert 0 < size <= limit, f"{size} octets of log with a limit of {limit}"
    report.figure("log of `callbacks` after 30 MB", f"{size / 1e6:.1f} MB in one file")


def _check_secrets(project: Project, name: str, pid: int, secrets: list[str]) -> None:
    """Not looked at: the environment, which is where the file puts them, and podman's note of how it was called."""
    facts = project.engine.inspect(name)
    config = facts["Config"]
    told = {
        "labels": config["Labels"],
        "command": [facts["Path"], facts["Args"], config["Cmd"], config.get("Entrypoint")],
        "health check": config.get("Healthcheck"),
        "processes": [one.command for one in processes(pid)],
    }
    for place, words in told.items():
        text = json.dumps(words)
        assert not any(one in text for one in secrets), f"{name}: a secret in its {place}"


def _check_image(project: Project, secrets: list[str]) -> None:
    """Built in the folder where .env lies, as a person builds it."""
    engine, tag = project.engine, "localhost/ses-ops:secrets"
    build_ours(engine, project.folder, tag, log=engine.folder / "build.log")
    facts = json.dumps([engine.inspect(tag, "image"), engine.run("history", "--no-trunc", "--format", "json", tag)])
    assert not any(one in facts for one in secrets), "a secret in the image's settings or history"
    folder = engine.run("image", "mount", tag).strip()
    patterns = engine.folder / "secrets"
    patterns.write_text("\n".join(secrets) + "\n")
    try:
        found = engine.execute(["sh", "-c", 'grep -rlF -f "$0" "$1" || test $? = 1', str(patterns), folder])
    finally:
        patterns.unlink()
        engine.run("image", "unmount", tag)
        engine.run("rmi", tag)
    assert not found.strip(), f"a secret in files of the image: {found}"
    assert not list(Path(folder).rglob(".env")), ".env is in the image"
