"""Sample CSV files with the columns of a group or of a template.

A person fills such a file and imports it.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from ses_ops.audience.csv.cells import safe_cell
from ses_ops.rendering.worker_template import load_in_worker
from ses_ops.storage.audience import recipients

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.rendering.template_place import Place

_ADDRESSES = ("ann@example.com", "ben@example.com")


def sample_of_group(conn: Connection, name: str) -> str:
    """A sample file with the columns of a group. Raises NotFound."""
    return _sample(recipients.find_group(conn, name).variables, {})


def sample_of_place(place: Place, name: str) -> str:
    """A sample file with the columns that a template needs and its sample values. Raises TemplateError."""
    template = load_in_worker(place, name)
    return _sample(sorted(template.variables_for()), template.sample_values)


def _sample(variables: Sequence[str], samples: Mapping[str, str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["address", *variables])
    values = [safe_cell(samples.get(name, f"a value for {name}")) for name in variables]
    for address in _ADDRESSES:
        writer.writerow([address, *values])
    return text.getvalue()
