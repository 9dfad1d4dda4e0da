"""How nodes are: alive, busy, suspected, dead; and what is done about those that come back."""
