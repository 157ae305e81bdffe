"""One reply to the client, made of several of the provider.

Calls of the retrieve tool are answered between them. One module per dialect; pure,
bytes in and bytes out.
"""
