"""Names and nodes: the leader's directory, and how a node asks it."""
