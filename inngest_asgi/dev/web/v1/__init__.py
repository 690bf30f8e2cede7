"""REST v1 (server-api.md 4), for SDKs, tools and tests that poll."""
