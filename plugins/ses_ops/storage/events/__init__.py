"""Events of messages after they have left, what became of the messages, and the counts of it."""
