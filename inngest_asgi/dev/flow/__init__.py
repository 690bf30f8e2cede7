"""Flow control: which runs start, when, and how many at once."""
