"""The connect protocol without I/O: both roles of a connection, and a gateway's leases."""
