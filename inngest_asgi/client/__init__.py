"""The client: an application's name, keys and functions, and its way to the server."""
