"""From hand-derived numbers to what went wrong in them.

The doors are `comparison.compare`, which judges gradients and names the mistake, and
`checking.check_gradients`, which compares the gradients of a function with central differences.
"""
