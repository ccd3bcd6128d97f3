"""`python -m tests.servers [NAME ...] [--json FILE]`: the servers that are named, or all; see docs/mail-servers.md."""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
import tempfile
import time
from pathlib import Path

from ses_ops.storage.migrate import upgrade
from tests.postgres_server import PostgresServer
from tests.run_guard import guarded
from tests.servers.cache import cache_folder
from tests.servers.programs import ALL
from tests.servers.report import tables, write_into
from tests.servers.trial import Bench, Trial, as_json


def main() -> int:
    """Exit status 0 when all that was run is as it should be, 1 otherwise."""
    names = [kind.name for kind in ALL]
    parser = argparse.ArgumentParser(prog="make test-servers", description=__doc__)
    parser.add_argument("servers", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; default: all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures, for a program")
    parser.add_argument("--table", type=Path, metavar="FILE", help="put the tables into it (docs/mail-servers.md)")
    parser.add_argument("--extra", action="append", default=[], metavar="NAME=VALUE", help="of the connection")
    parser.add_argument("--case", default="", metavar="WORDS", help="only the special cases with these words")
    arguments = parser.parse_args()
    if unknown := set(arguments.servers) - set(names):
        parser.error(f"no such server: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    # The engine warns of each lost connection; they are what this program makes.
    logging.getLogger().addHandler(logging.NullHandler())
    extras = dict(one.split("=", 1) for one in arguments.extra)
    chosen = [kind for kind in ALL if kind.name in (arguments.servers or names)]
    trials = _try_all(chosen, extras, arguments.case)
    print("\n" + tables(trials))
    if arguments.table:
        write_into(arguments.table, trials)
    if arguments.json:
        arguments.json.write_text(json.dumps([as_json(one) for one in trials], indent=2, ensure_ascii=False) + "\n")
    return 1 if any(trial.faults() for trial in trials) else 0


def _try_all(chosen: list, extras: dict[str, str], case: str) -> list[Trial]:
    folder = Path(tempfile.mkdtemp(prefix="ses-servers-"))
    # Servers that run as nobody have their folders in it.
    folder.chmod(0o755)
    postgres = PostgresServer.create()
    try:
        postgres.start()
        postgres.execute("CREATE DATABASE ses_template")
        upgrade(postgres.dsn("ses_template"))
        bench = Bench(postgres, "ses_template", folder, extras)
        trials = []
        for kind in chosen:
            print(f"{time.strftime('%H:%M:%S')} {kind.name}", flush=True)
            trials.append(bench.trial(kind, cache_folder(), only=case))
            print(f"  {trials[-1].not_run or '; '.join(trials[-1].faults()) or 'as it should be'}", flush=True)
        return trials
    finally:
        postgres.finish_background()
        postgres.stop("immediate")
        postgres.remove()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(guarded(main))
