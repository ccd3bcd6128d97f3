"""`python -m ses_ops.stack.first_dags NAME...`: gives Airflow the DAGs of new send tasks now, not at its next turn.

A process of its own, because the supervisor does not import Airflow.
"""

from __future__ import annotations

import sys

from ses_ops.orchestration import control

#: Seconds that Airflow is asked for each; by then its next turn has come.
PATIENCE = 30.0


def main(names: list[str]) -> None:
    """Make the DAGs; where Airflow is at the file just now, ask until it has made them."""
    control.update_dags(created=names, changed=[])
    for name in names:
        control.wait_for_dag(name, timeout=PATIENCE)


if __name__ == "__main__":
    main(sys.argv[1:])
