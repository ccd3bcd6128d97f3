-- Whether the rows were added to those that the group had, and how many recipients they brought (NULL: an older import).
ALTER TABLE group_import ADD COLUMN appended boolean NOT NULL DEFAULT false;
ALTER TABLE group_import ADD COLUMN added_count integer;
-- How the file was written, once that is known; and the variables' names by those of the columns that have another one.
ALTER TABLE group_import ADD COLUMN encoding text;
ALTER TABLE group_import ADD COLUMN renamed jsonb NOT NULL DEFAULT '{}';
-- Addresses that were taken and may be mistyped: how many, and the first of them as [line, address, the domain meant].
ALTER TABLE group_import ADD COLUMN doubtful_count integer NOT NULL DEFAULT 0;
ALTER TABLE group_import ADD COLUMN doubtful jsonb NOT NULL DEFAULT '[]';
