"""Search: its index, its queries, its ranking and its commands."""
