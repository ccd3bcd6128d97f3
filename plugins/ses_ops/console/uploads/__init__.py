"""Forms with files, read as they come."""
