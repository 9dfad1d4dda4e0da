"""What failures do: policies, groups, the leader's supervisor, and new lives of named actors."""
