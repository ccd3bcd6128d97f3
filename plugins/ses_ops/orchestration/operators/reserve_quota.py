"""Task 2 of a send task's DAG: reserve the sender domain's quota, and cut the mail into chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import conf

from ses_ops.orchestration.connections import quota_plans, ses_db_dsn, smtp_settings
from ses_ops.orchestration.operators.base import SesOperator
from ses_ops.orchestration.operators.run_context import run_of
from ses_ops.storage.connection import connected

if TYPE_CHECKING:
    from airflow.sdk import Context

#: Messages of the largest chunk: 10 to 20 s of work at full speed, against about 1 s that an Airflow task costs.
LARGEST_CHUNK = 50_000
#: Messages of the smallest chunk: with fewer the Airflow tasks would cost more than the mail.
SMALLEST_CHUNK = 500
#: Seconds of work that a chunk should be when the mail server limits the rate.
CHUNK_SECONDS = 20


class ReserveQuotaOperator(SesOperator):
    """Reserves quota; returns the chunks to send, a list of chunk ids for each mapped task."""

    ui_color = "#e6f4ea"

    def work(self, context: Context) -> list[list[int]]:
        """Reserve in one transaction. A repetition by the same run returns the chunks that the run holds already."""
        from ses_ops.sending.reserve import reserve_chunks

        size = chunk_size(smtp_settings().max_messages_per_second)
        plans = quota_plans()
        with connected(ses_db_dsn(), application="ses-ops reserve") as conn:
            reservation = reserve_chunks(conn, run_of(context), plans=plans, chunk_size=size)
        self.log.info("%s messages reserved, %s stay cached", f"{reservation.reserved:,}", f"{reservation.cached:,}")
        return in_groups(reservation.chunk_ids, conf.getint("core", "max_map_length"))


def chunk_size(messages_per_second: float | None) -> int:
    """Number of messages of a chunk under a rate limit (None: no limit)."""
    if messages_per_second is None:
        return LARGEST_CHUNK
    return max(SMALLEST_CHUNK, min(LARGEST_CHUNK, int(messages_per_second * CHUNK_SECONDS)))


def in_groups(chunk_ids: list[int], most: int) -> list[list[int]]:
    """One chunk a mapped task, or several where there are more chunks than Airflow maps (`max_map_length`)."""
    each = max(1, -(-len(chunk_ids) // most))
    return [chunk_ids[at : at + each] for at in range(0, len(chunk_ids), each)]
