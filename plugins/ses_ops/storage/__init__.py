"""PostgreSQL: the truth about tasks, recipients, messages and quota. SQL lives by noun, in the .sql files here."""
