"""The asset checks that dbt does not make: questions to the whole database that no single model can be asked.

What belongs here: thin bodies that ask and say what came out. What does not: SQL (``dbt_project/checks``), dbt's own
tests, which become checks by themselves (``assets.dbt_models``).
"""
