"""What the clock brings: rows, entries of sources, deliveries and programs that are due."""
