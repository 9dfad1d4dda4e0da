"""The actor, its handle, and the reusable actors."""
