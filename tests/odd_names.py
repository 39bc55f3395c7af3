"""Names of tensors that mean something to DOT, SVG, HTML, LaTeX or a terminal."""

ODD_NAMES = [
    '"];evil [label="x',
    "<b>bold</b>",
    "</td></table><script>alert(1)</script>",
    "R&D &amp; &lt;",
    r"\N \G \l \" \\",
    "\\input{/etc/passwd}",
    "{a|<p>b}",
    "two\nlines\tand a tab",
    "\x00\x1b[31m\ud800\u202e",
    "x" * 10_000,
    "->",
    "\\",
    '"',
]
