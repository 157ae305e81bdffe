"""Pieces that several compressors or selectors share: codecs, miners, rankings, grammars."""
