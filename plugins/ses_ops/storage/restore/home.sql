-- name: look
-- An identity that the server does not say, now or when the place was claimed, proves nothing.
SELECT h.database_oid = d.oid::bigint AND h.table_oid = 'ledger_home'::regclass::oid::bigint
           AND coalesce(h.system_identifier = s.identity, true) AS here,
       h.seen_at, h.claimed_at, s.identity IS NOT NULL AS identity_known,
       coalesce(h.timeline <> server_timeline(), false) AS timeline_changed
FROM ledger_home h CROSS JOIN (SELECT server_identity() AS identity) s
JOIN pg_database d ON d.datname = current_database();

-- name: claim
-- Two processes may be the first: the second one waits here for the first, and finds its row.
INSERT INTO ledger_home (system_identifier, database_oid, table_oid, timeline)
SELECT server_identity(), oid::bigint, 'ledger_home'::regclass::oid::bigint, server_timeline()
FROM pg_database WHERE datname = current_database()
ON CONFLICT (only_row) DO NOTHING;

-- name: move
INSERT INTO ledger_home (system_identifier, database_oid, table_oid, timeline)
SELECT server_identity(), oid::bigint, 'ledger_home'::regclass::oid::bigint, server_timeline()
FROM pg_database WHERE datname = current_database()
ON CONFLICT (only_row) DO UPDATE SET system_identifier = excluded.system_identifier, database_oid = excluded.database_oid,
    table_oid = excluded.table_oid, timeline = excluded.timeline, claimed_at = now(), seen_at = now();

-- name: lock
-- Two persons who say at once how the ledger goes on; there may be no row to be locked.
SELECT pg_advisory_xact_lock(7374, 1);

-- name: seen
UPDATE ledger_home SET seen_at = clock_timestamp();
