"""Sheets of .xlsx files, with the same faces as a CSV file."""
