"""What the local API writes down, whatever it is asked and whatever happens to its database: no secret."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import jwt
import psycopg
from psycopg.conninfo import conninfo_to_dict

from stack.keys import Keys, user_token
from stack.postgres_cluster import PostgresServer
from tests.conftest import running_api


def test_no_secret_is_written_down(
    postgres_server: PostgresServer, database_url: str, api_keys: Keys, tmp_path: Path
) -> None:
    database = str(conninfo_to_dict(database_url)["dbname"])
    log = tmp_path / "api.log"
    tokens = {
        "user": user_token(api_keys, "somebody", 600),
        "forged": jwt.encode({"role": "service_role"}, "0" * 64, algorithm="HS256"),
        "of no role": jwt.encode({"role": "nobody"}, api_keys.jwt_secret, algorithm="HS256"),
        "expired": user_token(api_keys, "somebody", -600),
    }
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create view public.seen with (security_invoker = true) as select 1 as id")
        connection.execute("grant select on public.seen to anon, service_role")
    with (
        log.open("wb") as file,
        running_api(postgres_server, database, api_keys, log=file) as server,
        httpx.Client(base_url=f"{server.url}/rest/v1", trust_env=False, timeout=30) as client,
        psycopg.connect(postgres_server.url("postgres"), autocommit=True) as owner,
    ):
        for key in (api_keys.anon_key, api_keys.service_key, "wrong"):
            for token in (None, *tokens.values()):
                headers = {"apikey": key, **({"Authorization": f"Bearer {token}"} if token else {})}
                for query in ("select=id", "select=nonsense", "id=eq.x", "id=like(any).{a", f"apikey={key}"):
                    client.get(f"/seen?{query}", headers=headers)
                client.post("/seen", headers=headers, content=b"{not json")
        assert client.get("/seen", headers={"apikey": api_keys.anon_key}).json() == [{"id": 1}]
        owner.execute("alter role authenticator password 'another'")
        try:
            owner.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (database,))
            not_kept = {"apikey": api_keys.anon_key, "Cache-Control": "no-cache"}
            assert client.get("/seen", headers=not_kept).status_code >= 500
            time.sleep(2)  # the watch looks every second
        finally:
            owner.execute(f"alter role authenticator password '{api_keys.authenticator_password}'".encode())
    written = log.read_text()
    assert "Data API on" in written
    secrets = (
        api_keys.jwt_secret,
        api_keys.service_key,
        api_keys.authenticator_password,
        api_keys.introspector_password,
        *tokens.values(),
    )
    assert [secret for secret in secrets if secret in written] == []
