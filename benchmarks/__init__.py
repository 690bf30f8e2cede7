"""Measures what must be fast, beside the incumbent SDK and a bare Starlette route: `make bench`."""
