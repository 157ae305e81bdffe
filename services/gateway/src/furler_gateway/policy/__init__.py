"""The policy file: who is compressed how. Read, checked and decided here; applied in governed.py."""
