"""One question that a user asks, and its checked answer."""
