"""The /v1 contract that LiteLLM's guardrail, Kong and Portkey call: compress, retrieve, usage."""
