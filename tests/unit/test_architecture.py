"""What the code promises about itself: imports go one way, names of states are those of the domain."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def test_imports_go_one_way():
    done = subprocess.run([str(BIN / "lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_document_has_the_layers_of_the_contract():
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    (layers,) = (one["layers"] for one in contracts if one["type"] == "layers")
    document = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert "```\n" + "\n".join(layers) + "\n```" in document


def test_no_imports_go_in_a_circle():
    # Also none that a function or TYPE_CHECKING hides; a package and what lies in it are two modules here.
    imports = grimp.build_graph("ses_ops", cache_dir=None)
    order = TopologicalSorter({one: imports.find_modules_directly_imported_by(one) for one in imports.modules})
    order.prepare()  # raises CycleError, which names the circle


def test_the_code_is_clean_for_ruff():
    done = subprocess.run([str(BIN / "ruff"), "check", "--no-cache", "."], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_most_files_are_short():
    long = [
        f"{path.relative_to(ROOT)}: {lines}"
        for path in (ROOT / "plugins").rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 320
    ]
    assert not long
