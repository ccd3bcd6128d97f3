"""What the HTML of a mail shows, as plain text."""
