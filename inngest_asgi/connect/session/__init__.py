"""What a worker keeps across connections, without I/O: its state, requests, leases and replies."""
