"""CSV files (RFC 4180): encodings, delimiters, and faults with their lines."""
