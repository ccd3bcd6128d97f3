"""Sheets of .xlsx files, with the same interface as a CSV file."""
