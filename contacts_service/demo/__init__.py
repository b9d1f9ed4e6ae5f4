"""A made-up directory, for trying things out."""
