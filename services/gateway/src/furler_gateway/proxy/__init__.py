"""The provider proxy: Anthropic Messages, OpenAI Chat Completions and Responses, passed through.

A request's tool results are compressed in place, everything else goes to the
provider and comes back byte for byte. Trouble of ours costs savings, never a turn.
"""
