"""The HTTP face: one ASGI application, its methods, and its way into hosts."""
