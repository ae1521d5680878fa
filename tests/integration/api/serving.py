"""An API to ask: where it is, what to show it as which role, and answers as rows.

What belongs here: requests. What does not: what should come back, and where the API runs (``conftest``); nothing here
knows more of a server than its address and keys, so that the same tests can be pointed at another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

Row = dict[str, Any]

ROLES = ("anon", "authenticated", "service_role")


@dataclass(frozen=True)
class Api:
    """A Data API: its address without ``/rest/v1``, its two keys, and a token of somebody who is logged in."""

    url: str
    anon_key: str
    service_key: str = field(repr=False)
    user_token: str = field(repr=False)

    def headers(self, role: str = "anon", token: str | None = None) -> dict[str, str]:
        """What a client of that role sends, or one with another bearer token."""
        apikey = self.service_key if role == "service_role" else self.anon_key
        bearer = token or (self.user_token if role == "authenticated" else apikey)
        return {"apikey": apikey, "Authorization": f"Bearer {bearer}"}

    def ask(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        role: str = "anon",
        token: str | None = None,
        method: str = "GET",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request below ``/rest/v1``."""
        return httpx.request(
            method,
            f"{self.url}/rest/v1{path}",
            params=params,
            json=body,
            headers={**self.headers(role, token), **(headers or {})},
            trust_env=False,
            timeout=30,
        )

    def rows(self, path: str, params: Mapping[str, Any] | None = None, *, role: str = "anon") -> list[Row]:
        """The rows of an answer that must be one."""
        answer = self.ask(path, params, role=role)
        assert answer.status_code == httpx.codes.OK, answer.text
        rows: list[Row] = answer.json()
        return rows

    def call(self, function: str, *, role: str = "anon", **arguments: Any) -> list[Row]:
        """The rows of a function, by GET and by POST, which must agree."""
        as_text = {name: _in_url(value) for name, value in arguments.items()}
        by_get = self.ask(f"/rpc/{function}", as_text, role=role)
        by_post = self.ask(f"/rpc/{function}", role=role, method="POST", body=arguments)
        assert by_get.status_code == by_post.status_code == httpx.codes.OK, (by_get.text, by_post.text)
        rows: list[Row] = by_post.json()
        assert by_get.json() == rows
        return rows


def _in_url(value: Any) -> str:
    return "{" + ",".join(map(str, value)) + "}" if isinstance(value, list) else str(value)
