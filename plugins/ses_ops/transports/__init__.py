"""How mail leaves: the port (`port`) and the SMTP engine behind it (`smtp.transport`)."""
