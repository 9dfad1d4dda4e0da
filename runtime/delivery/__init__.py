"""The pure pieces of a message's way: order, keys, deadlines, and what is refused."""
