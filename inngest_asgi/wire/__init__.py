"""What crosses the network, as pure data: no I/O, no clock, no logging."""
