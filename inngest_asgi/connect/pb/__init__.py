"""Generated from connect.proto by `make proto`; read and written by `connect.frames` alone."""
