"""Furler as an MCP server: the tools compress, retrieve and stats. Needs furler[mcp]."""
