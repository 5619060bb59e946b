"""Modes: one file, one interpreter and what it is for.  `derivatives` only composes them."""
