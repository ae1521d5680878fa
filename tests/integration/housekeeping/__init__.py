"""Keeping house in raw, on a real PostgreSQL."""
