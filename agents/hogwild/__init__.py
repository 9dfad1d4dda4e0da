"""Hogwild! Inference: workers that write into one shared attention cache."""
