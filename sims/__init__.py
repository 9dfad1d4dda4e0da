"""Simulators as actors."""
