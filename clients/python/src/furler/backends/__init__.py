"""Where calls go: to a server, or into the engine in this process."""
