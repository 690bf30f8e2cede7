"""CEL as Inngest servers speak it: expressions in triggers, waits, keys and cancellations."""
