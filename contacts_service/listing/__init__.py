"""Lists: pages, cursors, orders and filters, for any table."""
