"""Templates that were made by the API."""
