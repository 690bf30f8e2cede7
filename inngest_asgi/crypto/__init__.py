"""Keys and signatures, pure: time comes in as an argument, nothing is logged."""
