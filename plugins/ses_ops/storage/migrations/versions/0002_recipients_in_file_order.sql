-- A million recipients are replaced in one COPY. A unique key on the address and a foreign key cost three times the
-- COPY itself (random index pages, a million look-ups of one group), so the import removes duplicates by one hash
-- aggregate under the group's lock instead, and deleting a group deletes its recipients by a statement of its own.
ALTER TABLE recipient DROP CONSTRAINT recipient_group_id_fkey, DROP CONSTRAINT recipient_pkey;
CREATE INDEX recipient_of_group ON recipient (group_id, position);

-- A deleted task keeps its ledger, which names every address itself; it must not keep its group from being deleted.
ALTER TABLE send_task DROP CONSTRAINT send_task_check;
ALTER TABLE send_task ADD CONSTRAINT send_task_has_group
    CHECK (type = 'test' OR group_id IS NOT NULL OR deleted_at IS NOT NULL);
