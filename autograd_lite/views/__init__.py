"""Two ways to look at a tape: a table (`printing.tape`) and a drawing (`drawing.draw`)."""
