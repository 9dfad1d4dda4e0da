"""The decode engine: a compact Llama-family decoder over shared key-value segments."""
