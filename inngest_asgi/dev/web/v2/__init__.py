"""REST v2 (server-api.md 5): JSON as protobuf writes it, under /v2 and /api/v2."""
