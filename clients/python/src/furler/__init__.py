"""Furler: a far shorter view of what an agent is about to read, and any part of it back on demand."""
