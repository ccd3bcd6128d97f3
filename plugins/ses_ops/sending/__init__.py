"""The whole algorithm of sending, runnable without Airflow: freeze, reserve, send, settle, recover.

Every step may be killed, repeated, or run twice at once, and is correct then.
"""
