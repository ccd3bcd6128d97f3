-- A task can be corrected after it has begun. Its row is what the rest is sent with; what it was before stays here, and
-- every attempt says which edition it sent, so that mail which has left keeps its record.
ALTER TABLE send_task ADD COLUMN edition integer NOT NULL DEFAULT 1;
CREATE TABLE former_edition (
    -- No foreign key: a row of send_task is never deleted, and the key would take part in every lock of one.
    task_id         bigint NOT NULL,
    edition         integer NOT NULL,
    template        text NOT NULL,
    subject         text,
    sender          text NOT NULL,
    reply_to        text,
    unsubscribe_url text,
    advertisement   text NOT NULL,
    replaced_at     timestamptz NOT NULL DEFAULT now(),
    -- Who replaced it by the next one: a person's name; empty where nobody said.
    replaced_by     text NOT NULL DEFAULT '',
    PRIMARY KEY (task_id, edition)
);
-- NULL: an attempt of a version that did not count editions.
ALTER TABLE attempt ADD COLUMN edition integer;
-- With which code a message had failed when a person asked for another try (0: without one). NULL, which takes no room in
-- a row: nobody did. A server that refuses it again says nothing new of itself.
ALTER TABLE message ADD COLUMN retried_code smallint;
