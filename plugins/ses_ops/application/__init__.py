"""Use cases, one function each: whatever changes something goes through here, whoever asks for it."""
