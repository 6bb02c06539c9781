"""What a board shows: rows, ranks, tables, pages, and the same as data."""
