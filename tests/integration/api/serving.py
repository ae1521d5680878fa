"""An API to ask: where it is, what to show it as which role, and answers as rows.

What belongs here: requests. What does not: what should come back, and where the API runs (``conftest``); nothing here
knows more of a server than its address and keys, so that the same tests can be pointed at another one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx
import jwt
import pytest

Row = dict[str, Any]

ROLES = ("anon", "authenticated", "service_role")


@dataclass(frozen=True)
class Api:
    """A Data API: its address without ``/rest/v1``, its keys, and what it checks tokens with.

    A test that asks as a role whose secret is not known is skipped.
    """

    url: str
    anon_key: str
    service_key: str | None = field(repr=False)
    jwt_secret: str | None = field(repr=False)

    @property
    def secret(self) -> str:
        """What tokens are signed with."""
        return self.jwt_secret or pytest.skip("API_JWT_SECRET is not set")

    @cached_property
    def user_token(self) -> str:
        """A token of somebody who is logged in."""
        claims = {"role": "authenticated", "sub": "somebody", "exp": int(time.time()) + 3600}
        return jwt.encode(claims, self.secret, algorithm="HS256")

    def headers(self, role: str = "anon", token: str | None = None) -> dict[str, str]:
        """What a client of that role sends, or one with another bearer token."""
        apikey = self.anon_key
        if role == "service_role":
            apikey = self.service_key or pytest.skip("API_SERVICE_KEY is not set")
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
        """One request below ``/rest/v1``, answered by the database and not by who kept an answer before."""
        return httpx.request(
            method,
            f"{self.url}/rest/v1{path}",
            params=params,
            json=body,
            headers={"Cache-Control": "no-cache", **self.headers(role, token), **(headers or {})},
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
