-- The roles of Airflow that have all rights to the task's DAG, besides those that have them to every DAG.
ALTER TABLE send_task ADD COLUMN roles text[] NOT NULL DEFAULT '{}'
    CHECK (array_position(roles, NULL::text) IS NULL);
