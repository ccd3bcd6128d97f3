"""A CSV file to begin with: the columns of a recipient group, or those that a template needs."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from ses_ops.audience.csv.cells import safe_cell
from ses_ops.rendering.template_apart import load_apart
from ses_ops.storage.audience import recipients

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from psycopg2.extensions import connection as Connection

_ADDRESSES = ("ann@example.com", "ben@example.com")


def sample_of_group(conn: Connection, name: str) -> str:
    """The columns of a group. Raises NotFound."""
    return _sample(recipients.find_group(conn, name).variables, {})


def sample_of_template(templates_root: Path, name: str) -> str:
    """The columns that a template needs, with its sample values. Raises TemplateError."""
    template = load_apart(templates_root, name)
    return _sample(sorted(template.variables_for()), template.sample_values)


def _sample(variables: Sequence[str], samples: Mapping[str, str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["address", *variables])
    values = [safe_cell(samples.get(name, f"a value for {name}")) for name in variables]
    for address in _ADDRESSES:
        writer.writerow([address, *values])
    return text.getvalue()
