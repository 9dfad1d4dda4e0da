"""Topology files: read, check, draw and expand."""
