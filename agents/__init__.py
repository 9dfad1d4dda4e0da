"""Goal-directed compositions of actors."""
