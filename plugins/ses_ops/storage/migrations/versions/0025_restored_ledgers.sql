-- What names this server among all, and survives a failover: a copy of the whole server has it, a dump has not. NULL: this
-- role may not ask, or the server (a managed one) does not say.
CREATE FUNCTION server_identity() RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    -- Asked for first: a refusal would be an error in the server's log at each look.
    IF has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') THEN
        RETURN (SELECT system_identifier FROM pg_catalog.pg_control_system());
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;

-- Grows by one with each failover, and with each recovery to a point in time.
CREATE FUNCTION server_timeline() RETURNS integer LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF has_function_privilege('pg_catalog.pg_control_checkpoint()', 'EXECUTE') THEN
        RETURN (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint());
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;

-- One row: the place in which this ledger sends. A dump carries it to where it is restored, and there it is not true.
-- No row: nothing was sent yet, and the first process that sends claims its place. Not this migration: whoever copies a
-- migrated database as a template has no mail in it.
CREATE TABLE ledger_home (
    only_row          boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    -- server_identity()
    system_identifier bigint,
    -- Of this database: another one of the same server has another.
    database_oid      bigint NOT NULL,
    -- Of this table: one that a restore made anew in the same database has another.
    table_oid         bigint NOT NULL,
    -- server_timeline()
    timeline          integer,
    claimed_at        timestamptz NOT NULL DEFAULT now(),
    -- Written by the maintenance: the backup is not older than this.
    seen_at           timestamptz NOT NULL DEFAULT now()
);

-- Each time that a person said how a restored ledger goes on.
CREATE TABLE ledger_restore (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    restored_at      timestamptz NOT NULL DEFAULT now(),
    restored_by      text NOT NULL,
    -- The newest moment that the ledger knew, or the one that the person gave.
    taken_at         timestamptz NOT NULL,
    -- From when on the system that the backup is of sent nothing. A start up to then that the ledger does not know may
    -- have been made by it.
    until            timestamptz NOT NULL,
    -- The person knew that nothing was sent: the ledger was moved, and no doubt was noted.
    nothing_was_sent boolean NOT NULL,
    -- Messages that became unknown.
    bulk             bigint NOT NULL DEFAULT 0,
    single           bigint NOT NULL DEFAULT 0
);
