-- As the first recipient of the newest audience sees it, so that lists show and find a mailing by the words that were
-- read, also when its template or its group has changed since. NULL: nothing was frozen since the task was edited, and
-- whoever shows it works it out from the group as it is.
ALTER TABLE send_task ADD COLUMN first_subject text;
