"""Makes up a directory, for trying things out."""
