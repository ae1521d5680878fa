"""Which marts a check can compare raw with.

What belongs here: whether a mart is there and this role may read it. What does not: any check.
"""

from __future__ import annotations

from typing import Any

import psycopg

_MAY_READ = """
    select has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
    from pg_catalog.pg_class as c
    inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
    where n.nspname = 'marts' and c.relname = %s
"""


def may_read_mart(connection: psycopg.Connection[Any], name: str) -> bool:
    """False before dbt's first run, and for a role that only loads."""
    return connection.execute(_MAY_READ, (name,)).fetchone() == (True,)
