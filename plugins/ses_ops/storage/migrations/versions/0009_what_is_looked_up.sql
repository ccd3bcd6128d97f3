-- The maintenance looks every minute for occurrences that have nothing left; finished ones stay for ever.
CREATE INDEX occurrence_open ON occurrence (task_id) WHERE finished_at IS NULL;
-- What was sent in the last days, and which runs are alive.
CREATE INDEX attempt_started ON attempt (started_at);
-- Failures of the last days. Not by `failed`, which every step may change: no index of this table names a column that a
-- step writes, so that a step stays a heap-only update.
CREATE INDEX chunk_tried ON chunk (reserved_at);
