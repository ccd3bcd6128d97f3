-- Who put an address on the list: a person's name; empty for entries of earlier versions.
ALTER TABLE suppression ADD COLUMN added_by text NOT NULL DEFAULT '';
-- The newest page of a long list is read without sorting all of it.
CREATE INDEX suppression_newest ON suppression (created_at DESC, address_key);
