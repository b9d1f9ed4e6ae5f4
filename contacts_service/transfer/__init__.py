"""The directory in and out of files and databases."""
