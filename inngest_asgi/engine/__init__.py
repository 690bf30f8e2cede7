"""The step engine: a sans-IO machine for one call of a run, and two thin shells around it."""
