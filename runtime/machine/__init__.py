"""This machine: its processes, its run directory, its event loops."""
