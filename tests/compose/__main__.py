"""`python -m tests.compose [PART ...]`: the parts that are named, or all; see docs/production.md."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import sys
import time
import traceback
from pathlib import Path

from tests.compose import machine
from tests.compose.engine import Engine, remove_cgroups
from tests.compose.images import STANDS_IN
from tests.compose.parts import PARTS
from tests.compose.report import Report
from tests.compose.scene import Scene
from tests.compose.sealed import is_inside, run_sealed
from tests.run_guard import guarded


def main() -> int:
    """Exit status 0 when everything was as it should be, 1 otherwise, 2 when this machine cannot run it."""
    parser = argparse.ArgumentParser(prog="make test-compose", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; default: all, in this order")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all times and figures, for a program")
    parser.add_argument("--folder", type=Path, help="where images are kept between runs; default: in the user's cache")
    parser.add_argument("--part-inside", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    folder = (given.folder or machine.cache_folder()).absolute()
    if is_inside():
        return _inside(given.part_inside, folder)
    if reason := machine.unfit():
        print(f"make test-compose: {reason}", file=sys.stderr)
        return 2
    machine.install()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print(f"make test-compose: another run works in {folder}; name another --folder", file=sys.stderr)
            return 2
        return _all(given.parts or list(PARTS), folder, given.json)


def _all(names: list[str], folder: Path, file: Path | None) -> int:
    began, reports, bad = time.monotonic(), [], []
    wanted = {*names, *(needed for name in names for needed in PARTS[name].needs)}
    names = [name for name in PARTS if name in wanted]
    for name in names:
        if set(PARTS[name].needs) & set(bad):
            bad.append(name)
            continue
        print(f"{name}", flush=True)
        result = folder / "result.json"
        result.unlink(missing_ok=True)
        try:
            status = run_sealed(["--folder", str(folder), "--part-inside", name], network=PARTS[name].network)
        finally:
            remove_cgroups(Engine(folder).cgroup)
        if result.exists():
            reports.append(json.loads(result.read_text()))
        if status:
            bad.append(name)
    _print_end(reports, bad, time.monotonic() - began)
    if file:
        file.write_text(json.dumps(reports, indent=2, ensure_ascii=False) + "\n")
    return 1 if bad else 0


def _inside(name: str, folder: Path) -> int:
    engine, report = Engine(folder), Report(part=name)
    engine.prepare()
    try:
        PARTS[name].run(Scene(engine, report))
    except Exception:
        traceback.print_exc()
        return 1
    finally:
        (folder / "result.json").write_text(json.dumps(report.as_json(), ensure_ascii=False))
    return 0


def _print_end(reports: list[dict[str, list[dict[str, str]]]], bad: list[str], seconds: float) -> None:
    print("\nWhat could not be had here, and what stood in:")
    for part, words in STANDS_IN.items():
        print(f"  {part}: {words}")
    print("  Docker Compose and the Docker engine: podman-compose and podman")
    for report in reports:
        for step in report["steps"]:
            print(f"{'NO' if step['fault'] else 'ok':>4} {step['seconds']:7} s  {step['part']}: {step['step']}")
        for figure in report["figures"]:
            print(f"                 {figure['part']}: {figure['name']}: {figure['value']}")
    print(
        f"{len(reports)} parts in {seconds / 60:.1f} minutes; "
        + (f"NOT as it should be: {', '.join(bad)}" if bad else "all as it should be")
    )


if __name__ == "__main__":
    # Inside, this is the first process of its own little machine: nobody else ends what is left.
    sys.exit(main() if os.getpid() == 1 or is_inside() else guarded(main))
