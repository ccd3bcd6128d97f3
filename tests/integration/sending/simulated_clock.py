"""A clock that a test sets, in a real PostgreSQL: every `now()` and `clock_timestamp()` of a statement reads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ses_ops.storage.connection import connect
from tests.integration.sending_world import World

# Functions of a schema that is searched before PostgreSQL's own stand in for them, in all connections from then on.
_SIMULATED = """
CREATE SCHEMA simulated;
CREATE TABLE simulated.clock (moment timestamptz NOT NULL);
INSERT INTO simulated.clock VALUES ('2000-01-01');
CREATE FUNCTION simulated.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT moment FROM simulated.clock';
CREATE FUNCTION simulated.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT moment FROM simulated.clock';
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %%I SET search_path = simulated, pg_catalog, public', current_database());
END $$;
"""


@dataclass
class SimulatedClock:
    """The clock of a world's database. It stands still until it is set."""

    world: World
    now: datetime = datetime(2000, 1, 1, tzinfo=UTC)

    def __post_init__(self) -> None:
        self.world.execute(_SIMULATED)
        self.world.conn.close()
        self.world.conn = connect(self.world.dsn)

    def set(self, moment: datetime) -> None:
        self.now = moment.astimezone(UTC)
        self.world.execute("UPDATE simulated.clock SET moment = %s", self.now)

    def tick(self, span: timedelta = timedelta(microseconds=1)) -> None:
        self.set(self.now + span)
