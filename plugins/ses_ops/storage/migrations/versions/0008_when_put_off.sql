-- When a server first answered 4xx to a message: it is given up some days later (RFC 5321 4.5.4.1). NULL, which takes no
-- room in a row: it never did. Messages that wait at the time of this upgrade begin their days with their next 4xx.
ALTER TABLE message ADD COLUMN first_deferred_at timestamptz;
