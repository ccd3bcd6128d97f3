"""A DAG of the team's own, from before ses-ops came."""

from __future__ import annotations

from airflow.sdk import dag, task


@dag(schedule=None, tags=["team"])
def team_report():
    @task
    def count() -> int:
        return 42

    count()


team_report()
