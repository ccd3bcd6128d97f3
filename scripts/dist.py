"""`make dist`: makes the files for an Airflow of one's own, in dist/.

- `ses_ops-VERSION-py3-none-any.whl` and the source archive `ses_ops-VERSION.tar.gz`
- `dags.zip`: the DAG files, for the folder of DAGs or any folder in it
- `templates.zip`: the sample templates, for the folder above the one of DAGs, or AIRFLOW_HOME
- `plugins.zip`: the package for a plugins folder, where a managed service takes no wheel
- `requirements.txt`: what the package needs besides Airflow's own, as ranges, for such a service
- `SHA256SUMS`

The files of the commit are built, not those of the working tree; the same commit gives the same bytes. Needs git, and
the environment of `make install`.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from datetime import UTC, datetime
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
DIST = REPOSITORY / "dist"
SUMS = "SHA256SUMS"
#: The mode of files in every archive, whatever the umask of this machine is.
MODE = 0o644


def main() -> None:
    """Make dist/ anew."""
    os.umask(0o022)
    moment = int(os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct"))
    if git("status", "--porcelain", "--untracked-files=no"):
        print("make dist: what is not committed is not in it", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="ses-ops-dist-") as scratch:
        source, made = Path(scratch, "source"), Path(scratch, "dist")
        made.mkdir()
        export(source, moment)
        build(source, made, moment)
        pack(made / "dags.zip", source / "dags", "", moment)
        pack(made / "templates.zip", source / "include", "include/", moment)
        pack(made / "plugins.zip", source / "plugins", "", moment)
        (made / "requirements.txt").write_text(requirements(source), encoding="utf-8")
        (made / SUMS).write_text(sums(made), encoding="utf-8")
        shutil.rmtree(DIST, ignore_errors=True)
        shutil.copytree(made, DIST)
    print((DIST / SUMS).read_text(encoding="utf-8"), end="")


def git(*arguments: str) -> str:
    """The output of a git command; exits when git fails."""
    done = subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"make dist: git {arguments[0]}: {done.stderr.strip() or 'failed'}")
    return done.stdout.strip()


def export(source: Path, moment: int) -> None:
    """Write the files of the commit to a folder, all with the same mode and time."""
    archive = source.with_suffix(".zip")
    git("archive", "--format=zip", f"--output={archive}", "HEAD")
    with zipfile.ZipFile(archive) as files:
        files.extractall(source)
    for path in source.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(MODE)
            os.utime(path, (moment, moment))


def build(source: Path, made: Path, moment: int) -> None:
    """Build the wheel and the source archive with the locked setuptools."""
    program = (
        "import sys; from setuptools.build_meta import *; into = sys.argv[1]; build_wheel(into); build_sdist(into)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(made)],
        env={**os.environ, "SOURCE_DATE_EPOCH": str(moment)},
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"make dist: the wheel cannot be built: {done.stderr.strip()}")
    (archive,) = made.glob("*.tar.gz")
    level(archive, moment)


def level(archive: Path, moment: int) -> None:
    """Rewrite a .tar.gz without user, time and order of the machine."""
    leveled = io.BytesIO()
    with tarfile.open(archive) as old, tarfile.open(fileobj=leveled, mode="w", format=tarfile.PAX_FORMAT) as new:
        for member in sorted(old.getmembers(), key=lambda one: one.name):
            plain = tarfile.TarInfo(member.name)
            plain.type, plain.size, plain.mtime = member.type, member.size, moment
            plain.mode = 0o755 if member.isdir() else MODE
            new.addfile(plain, old.extractfile(member) if member.isfile() else None)
    with archive.open("wb") as file, gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=moment) as packed:
        packed.write(leveled.getvalue())


def pack(archive: Path, folder: Path, prefix: str, moment: int) -> None:
    """Make a .zip of the files of a folder."""
    when = datetime.fromtimestamp(moment, UTC).timetuple()[:6]
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(prefix + path.relative_to(folder).as_posix(), when)
            entry.create_system, entry.external_attr = 3, MODE << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, path.read_bytes())


def requirements(source: Path) -> str:
    """The requirements of the wheel, as a requirements.txt."""
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    head = "# What ses-ops needs, as ranges that leave Airflow's own packages and its constraints alone.\n"
    return head + "".join(f"{one}\n" for one in project["dependencies"])


def sums(made: Path) -> str:
    """The checksums, for `sha256sum --check SHA256SUMS`."""
    files = sorted(made.iterdir(), key=lambda path: path.name)
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)


if __name__ == "__main__":
    main()
