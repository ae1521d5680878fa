"""Secrets of one data folder, made once: what the API's keys are signed with, and passwords of its database roles.

They stay the same from start to start, so that a front end keeps working. PostgreSQL's own password is not here:
it lives and dies with its data (``stack.postgres_cluster``).
"""

from __future__ import annotations

import json
import os
import secrets
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import jwt

from stack.errors import StackError

_FILE = "keys.json"
_ISSUER = "ticketmarts"
_YEAR_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True)
class Keys:
    """The secrets; ``anon_key`` and ``service_key`` are what clients send as ``apikey``."""

    jwt_secret: str = field(repr=False)
    authenticator_password: str = field(repr=False)
    introspector_password: str = field(repr=False)
    anon_key: str
    service_key: str = field(repr=False)


def load_or_make_keys(home: Path) -> Keys:
    """The keys in ``home``, made and kept there the first time.

    Raises:
        StackError: the file is there but is not what this module wrote.
    """
    path = home / _FILE
    try:
        return Keys(**json.loads(path.read_text()))
    except FileNotFoundError:
        keys = make_keys()
    except (ValueError, TypeError) as error:
        raise StackError(f"{path} is damaged ({error}). Remove it; new keys are then made.") from error
    aside = path.with_suffix(".new")
    aside.touch(mode=0o600)
    aside.write_text(json.dumps(asdict(keys), indent=2))
    os.replace(aside, path)  # noqa: PTH105 -- whole or not at all, also after a kill
    return keys


def make_keys() -> Keys:
    """Fresh keys. The two for clients are signed tokens that name a role, as Supabase's are."""
    jwt_secret = secrets.token_hex(32)
    issued_at = int(time.time())

    def key_of(role: str) -> str:
        claims = {"iss": _ISSUER, "role": role, "iat": issued_at, "exp": issued_at + 10 * _YEAR_SECONDS}
        return jwt.encode(claims, jwt_secret, algorithm="HS256")

    return Keys(jwt_secret, secrets.token_hex(24), secrets.token_hex(24), key_of("anon"), key_of("service_role"))


def user_token(keys: Keys, user: str, valid_seconds: int) -> str:
    """What somebody who is logged in sends besides the anonymous key: hosted Supabase gives it to who logs in."""
    issued_at = int(time.time())
    claims = {"iss": _ISSUER, "role": "authenticated", "sub": user, "iat": issued_at, "exp": issued_at + valid_seconds}
    return jwt.encode(claims, keys.jwt_secret, algorithm="HS256")
