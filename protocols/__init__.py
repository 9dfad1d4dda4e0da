"""What crosses a wire: envelope, codec, frames, errors and the message vocabularies."""
