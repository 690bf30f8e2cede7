"""One call of a function, from bytes to reply, whatever carried it."""
