"""A tape for the eyes, as a table (`printing.tape`) and as a drawing (`drawing.draw`)."""
