"""Lists: pages, cursors, orders and filters. Knows no table."""
