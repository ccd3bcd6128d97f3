"""PostgreSQL: the record of tasks, recipients, messages and quota.

Each noun has a folder; each module has its statements in the .sql file beside it.
"""
