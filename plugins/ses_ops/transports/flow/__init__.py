"""What any transport needs to pace itself; knows no protocol."""
