"""Kompress, Furler's prose model: a score per word, from files that ship with the package."""
