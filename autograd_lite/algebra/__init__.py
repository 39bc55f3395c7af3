"""Expressions of named tensors: a tree, its simplification, and how it is written.

Enter by `reading.Reader`, which turns recorded steps into expressions, and `notation.TEXT` and
`LATEX`, which write them; `reading.RuleTexts` writes the rule at an edge of a graph.
"""
