"""The use cases: compress, explain, retrieve, content, info; and the ports they need."""
