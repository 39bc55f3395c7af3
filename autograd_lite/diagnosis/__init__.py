"""From hand-derived numbers to what went wrong in them."""
