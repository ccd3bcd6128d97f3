"""Transports for mail: the port (`port`) and the SMTP engine behind it (`smtp.transport`)."""
