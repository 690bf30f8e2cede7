"""Serves functions in hosts of other kinds; uses the public names of `inngest_asgi` only."""
