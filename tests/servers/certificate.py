"""A certificate for servers that do not start without one; nobody is asked to trust it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.servers.not_run import NotRun


def make_certificate(certificate: Path, key: Path, name: str) -> None:
    """Write both, in PEM. Raises NotRun without openssl."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={name}"]
    command += ["-addext", f"subjectAltName=DNS:{name}", "-out", str(certificate), "-keyout", str(key)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as problem:
        raise NotRun(f"openssl makes no certificate: {problem}") from problem
    certificate.chmod(0o644)
    key.chmod(0o644)
