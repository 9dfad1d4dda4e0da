"""The pure cores of the shared cache: whose turn it is, what stands where, what was written."""
