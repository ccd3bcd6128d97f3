"""Templates and a recipient's values to the bytes of a message."""
