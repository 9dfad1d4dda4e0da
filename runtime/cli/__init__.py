"""The `passel` command."""
