"""Expressions of named tensors: the tree, its simplification, its notations."""
