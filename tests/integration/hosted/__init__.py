"""Hosted Supabase, as far as a plain PostgreSQL can be one: 15 and 18, migrated by a role that is no superuser."""
