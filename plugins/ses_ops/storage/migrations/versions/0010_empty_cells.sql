-- Whether an empty cell of the group's file is a missing value (JSON's null), which default() of a template fills in.
ALTER TABLE recipient_group ADD COLUMN empty_is_missing boolean NOT NULL DEFAULT false;
-- What the import saw, for the check of templates; NULL: imported before this was looked at.
ALTER TABLE recipient_group ADD COLUMN columns_with_empty_cells text[];
ALTER TABLE recipient_group ADD COLUMN columns_saying_no text[];
