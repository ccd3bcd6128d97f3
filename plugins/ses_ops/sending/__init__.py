"""The algorithm of sending, without Airflow: freeze, reserve, send, settle, recover.

Every step may be killed, repeated, or run twice at once, and stays correct.
"""
