"""What the embedded server keeps, in SQLite."""
