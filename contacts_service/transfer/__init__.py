"""Moves the directory to and from CSV files, and to PostgreSQL."""
