-- A deleted group that tasks have used keeps its row, without recipients: the pages of those tasks name it.
ALTER TABLE recipient_group ADD COLUMN deleted_at timestamptz;
ALTER TABLE recipient_group DROP CONSTRAINT recipient_group_name_key;
CREATE UNIQUE INDEX recipient_group_name ON recipient_group (name) WHERE deleted_at IS NULL;

-- One row: the two keys of the hash that stands for an erased address (NMAC, Bellare, Canetti, Krawczyk 1996: a hash of
-- a hash, each with a key of its own). Without it nobody can tell who was erased, or try addresses.
CREATE TABLE erasure_key (
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    inner_key bytea NOT NULL DEFAULT sha256((gen_random_uuid()::text || gen_random_uuid()::text)::bytea)
        || sha256((gen_random_uuid()::text || gen_random_uuid()::text)::bytea),
    outer_key bytea NOT NULL DEFAULT sha256((gen_random_uuid()::text || gen_random_uuid()::text)::bytea)
        || sha256((gen_random_uuid()::text || gen_random_uuid()::text)::bytea)
);
INSERT INTO erasure_key DEFAULT VALUES;

-- What stands in the place of an address and of its key: the same for the same person, in every table.
CREATE FUNCTION erased_address(k erasure_key, address_key text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT 'erased:' || left(
        encode(sha256(k.outer_key || sha256(k.inner_key || convert_to(address_key, 'UTF8'))), 'hex'), 40
    )
$$;

-- Those of the suppression list; nearly always there is none, and then nobody pays for a hash.
CREATE INDEX suppression_erased ON suppression (address_key) WHERE starts_with(address_key, 'erased:');

-- Who erased whom, and what that did. Only the hash tells who it was.
CREATE TABLE erasure (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person    text NOT NULL,
    erased_by text NOT NULL,
    erased_at timestamptz NOT NULL DEFAULT now(),
    facts     jsonb NOT NULL
);
