"""Python code that a model has written, run where it can do no harm."""

from __future__ import annotations

from .python_sandbox import PythonSandbox

__all__ = ["PythonSandbox"]
