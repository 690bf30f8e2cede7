"""The applications that are compared; each runs in a process of its own."""
