"""`python -m ses_ops.stack.first_dags NAME...`: writes the DAGs of new send tasks to Airflow.

Airflow's DAG processor would do that at its next turn only. This is a process of its own, because the supervisor does
not import Airflow.
"""

from __future__ import annotations

import sys

from ses_ops.orchestration import control

#: Seconds to wait for each DAG; by then the next turn of the DAG processor has come.
TIMEOUT = 30.0


def main(names: list[str]) -> None:
    """Write the DAGs; where Airflow is reading the file at this moment, request parses until the DAGs exist."""
    control.update_dags(created=names, changed=[])
    for name in names:
        control.wait_for_dag(name, timeout=TIMEOUT)


if __name__ == "__main__":
    main(sys.argv[1:])
