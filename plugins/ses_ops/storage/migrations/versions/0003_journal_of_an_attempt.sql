-- A name that no other attempt anywhere has: a copied or restored database hands out the same ids again, and a journal
-- of one must never be believed by the other.
ALTER TABLE attempt ADD COLUMN journal_id uuid NOT NULL DEFAULT gen_random_uuid();
