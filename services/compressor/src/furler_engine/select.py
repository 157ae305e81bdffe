"""Selectors applied to originals: which bytes a selector picks."""
