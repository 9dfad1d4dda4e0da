"""Passel: an asynchronous, actor-based multi-agent runtime over ZeroMQ."""
