"""The commands of ``ticketmarts`` that fill raw and look at it.

What belongs here: arguments, messages and exit statuses. What does not: anything that a program could want.
"""
