"""Where recipients come from: bytes or rows in, checked recipients and rejected rows out. No database, no clock."""
