"""The sending of single messages, at once, by the process that accepted them."""
