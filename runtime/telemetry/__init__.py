"""What a node counts and times, and the spans of what it does."""
