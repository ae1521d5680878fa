"""The embedded default: PostgreSQL, the Data API, Dagster and the sandbox on one machine, with one command.

What belongs here: starting, watching and stopping those programs, applying migrations, and the command line
that ties the project together. What does not: anything a program does once it runs.
"""
