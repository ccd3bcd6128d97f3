"""CSV files (RFC 4180) as people have them: encodings, delimiters, faults with their places."""
