"""The marketplace's JSON, turned into books, production documents and seating documents.

What belongs here: what the keys mean and how far an answer can be trusted. What does not: HTTP, the database.
Docstrings say where a meaning was seen in captured answers and where it is a guess.
"""
