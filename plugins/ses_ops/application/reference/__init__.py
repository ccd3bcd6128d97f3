"""Use cases that only the reference's API has."""
