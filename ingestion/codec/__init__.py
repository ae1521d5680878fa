"""The snapshot codec: captures become deltas and keyframes in ``raw``, and come back value for value.

``content`` names what listings share, ``book`` is the listings of one capture as columns, ``delta`` says what
differs between two books, ``copy_format`` is PostgreSQL's binary form of it, ``stored`` reads a book back and
``writer`` puts captures where they belong and amends them. Nothing here knows of HTTP or of the marketplace's wire
format.
"""
