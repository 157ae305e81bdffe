"""JSON as an outline with tables: a text that a reader likes and that decodes to the value.

``outline.build`` finds the tables in a value, ``encode.encode`` writes them with or
without cuts, ``decode.decode`` reads the text back. ``grammar`` is the notation,
``columns`` the way from objects to columns and back. What to cut is not decided here.
"""
