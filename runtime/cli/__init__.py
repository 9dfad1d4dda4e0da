"""The `passel` command: one file for each group of commands."""
