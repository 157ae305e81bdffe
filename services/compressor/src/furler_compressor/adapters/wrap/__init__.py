"""Decorators of the Store port, each with one concern: verified, packed, bounded, traced."""
