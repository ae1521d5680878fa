"""What the stack keeps in its data folder: keys that stay, an environment others can read, one `up` at a time."""

from __future__ import annotations

from pathlib import Path

import jwt
import pytest

from ingestion.settings import load_settings
from stack import home_lock
from stack.environment import dagster_variables, database_variables, write_stack_env
from stack.errors import StackError
from stack.keys import load_or_make_keys


def test_keys_are_made_once_and_are_for_us_alone(tmp_path: Path):
    keys = load_or_make_keys(tmp_path)
    assert load_or_make_keys(tmp_path) == keys
    assert (tmp_path / "keys.json").stat().st_mode & 0o077 == 0
    assert jwt.decode(keys.anon_key, keys.jwt_secret, algorithms=["HS256"])["role"] == "anon"
    assert jwt.decode(keys.service_key, keys.jwt_secret, algorithms=["HS256"])["role"] == "service_role"


def test_damaged_keys_are_named(tmp_path: Path):
    (tmp_path / "keys.json").write_text('{"jwt_secret": ')
    with pytest.raises(StackError, match=r"keys\.json is damaged"):
        load_or_make_keys(tmp_path)


def test_settings_read_what_the_stack_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("DATABASE_URL", "MARKETPLACE_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    url = "postgresql://postgres:secret@127.0.0.1:54322/ticketmarts?sslmode=disable"
    path = write_stack_env(tmp_path, {**database_variables(url), "MARKETPLACE_BASE_URL": "http://127.0.0.1:1"})
    settings = load_settings(ticketmarts_home=tmp_path)
    assert (settings.database_url, settings.marketplace_base_url) == (url, "http://127.0.0.1:1")
    assert path.stat().st_mode & 0o077 == 0
    assert "PGSSLMODE='disable'" in path.read_text()


def test_dagster_gets_the_spelling_that_its_storage_needs(tmp_path: Path):
    for given in ("postgresql://u:p@h/d", "postgres://u:p@h/d", "postgresql+psycopg2://u:p@h/d"):
        assert dagster_variables(given, tmp_path)["DAGSTER_DATABASE_URL"] == "postgresql+psycopg2://u:p@h/d"


def test_a_second_stack_on_the_same_folder_is_refused(tmp_path: Path):
    with home_lock.hold(tmp_path), pytest.raises(StackError, match="already running"), home_lock.hold(tmp_path):
        pass
    with home_lock.hold(tmp_path):
        pass


def test_there_is_nothing_to_stop_where_nothing_runs(tmp_path: Path):
    assert not home_lock.stop_holder(tmp_path)
    with home_lock.hold(tmp_path):
        pass
    assert not home_lock.stop_holder(tmp_path)
