"""From a recorded tape to the lines that a person would write."""
