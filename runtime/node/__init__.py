"""One life of one node: its actors, what they send and are sent, and its seam to the outside."""
