"""Pages of single messages: mail that programs ask for by the API."""
