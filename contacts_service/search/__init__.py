"""Search: the index, its queries and its upkeep."""
