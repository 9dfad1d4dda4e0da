"""Sockets behind one seam: ZeroMQ, Unix sockets, and what watches the process at their other end."""
