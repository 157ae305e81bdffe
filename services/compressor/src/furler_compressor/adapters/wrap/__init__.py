"""Decorators of the Store port, each with one concern. Outside in: verified, packed, bounded."""
