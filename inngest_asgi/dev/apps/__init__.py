"""The applications a server knows: how they register, and how they are asked to."""
