"""Byte-pair vocabularies of o200k_base and cl100k_base, published by OpenAI with tiktoken (MIT).

Gzipped copies of the files tiktoken would download; tokens.py checks their SHA-256.
"""
