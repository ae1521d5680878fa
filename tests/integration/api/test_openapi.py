"""GET /openapi.json: valid, whole for each role, and true: what it says can be asked is answered as it says.

The requests are made from the document and from nothing else, so that a new view or function is asked, too.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import psycopg
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.integration.api.conftest import History
from tests.integration.api.serving import ROLES, Api

Document = dict[str, Any]

_TIMEOUT_SECONDS = 20


@pytest.fixture(scope="module")
def documents(api: Api) -> dict[str, Document]:
    """What each role is told."""
    if "API_URL" in os.environ:
        pytest.skip("the document is the local API's; a hosted project has PostgREST's own")
    return {role: _document(api, api.headers(role)) for role in ROLES}


def _document(api: Api, headers: dict[str, str]) -> Document:
    answer = httpx.get(f"{api.url}/openapi.json", headers=headers, trust_env=False)
    assert answer.status_code == 200, answer.text
    document: Document = answer.json()
    return document


@pytest.mark.parametrize("role", ["anon", "service_role"])
def test_the_document_is_valid(documents: dict[str, Document], role: str) -> None:
    document = documents[role]
    OpenAPIV31SpecValidator(document).validate()
    operations = [operation for _, _, operation in _operations(document)]
    identifiers = [operation["operationId"] for operation in operations]
    assert len(set(identifiers)) == len(identifiers)
    for operation in operations:
        for body in operation.get("requestBody", {}).get("content", {}).values():
            _validate(body["example"], body["schema"], document)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_told_of_what_it_may_read_and_of_nothing_else(
    documents: dict[str, Document], history: History, role: str
) -> None:
    served = history.truth(
        """
        select '/' || relname as path, has_table_privilege(%s, oid, 'select') as is_readable
        from pg_class where relnamespace = 'public'::regnamespace and relkind = 'v'
        union all
        select '/rpc/' || proname, has_function_privilege(%s, oid, 'execute')
        from pg_proc where pronamespace = 'public'::regnamespace
            and not exists (select from pg_class where reltype = any(proargtypes))
        """,
        role,
        role,
    )
    assert set(documents[role]["paths"]) == {row["path"] for row in served if row["is_readable"]}
    names = {row["path"].rpartition("/")[2] for row in served if not row["is_readable"]}
    told = {name for schema in documents[role]["components"]["schemas"] for name in schema.split(".")[1:]}
    assert told & names == set()
    assert f"`{role}`" in documents[role]["info"]["description"]


def test_each_role_is_told_of_something_else(documents: dict[str, Document]) -> None:
    anon, authenticated, service = (set(documents[role]["paths"]) for role in ROLES)
    assert anon < authenticated < service
    assert "/pipeline_health" in service - authenticated


def test_everything_is_documented(documents: dict[str, Document]) -> None:
    document = documents["service_role"]
    for path, _, operation in _operations(document):
        assert operation["summary"], path
        assert all(_resolved(parameter, document)["description"] for parameter in operation["parameters"]), path
    for name, schema in document["components"]["schemas"].items():
        for column, described in schema.get("properties", {}).items():
            assert name == "error" or described["description"], (name, column)


@pytest.mark.parametrize("role", ROLES)
def test_a_path_is_answered_as_the_document_says(
    documents: dict[str, Document], history: History, api: Api, role: str
) -> None:
    document = documents[role]
    for path, operations in document["paths"].items():
        arguments = _arguments(operations, history.event_ids) if "post" in operations else {}
        for method, operation in operations.items():
            params = {name: _in_query(value) for name, value in arguments.items()} if method == "get" else {}
            body = arguments if method == "post" else None
            answer = api.ask(path, {**params, "limit": 20}, role=role, method=method.upper(), body=body)
            assert answer.status_code == 200, (path, method, answer.text)
            declared = operation["responses"]["200"]
            _validate(answer.json(), declared["content"]["application/json"]["schema"], document)
            assert {name.lower() for name in declared["headers"]} <= set(answer.headers), path
            columns = set(_row_schema(operation, document)["properties"])
            assert [set(row) for row in answer.json()] == [columns] * len(answer.json()), path
            assert answer.json(), f"nothing was looked at: {path} has no row"


@pytest.mark.parametrize("role", ROLES)
def test_what_is_embedded_is_what_the_document_says(
    documents: dict[str, Document], history: History, api: Api, role: str
) -> None:
    document = documents[role]
    told = {
        (path[1:], name): schema
        for path, _, operation in _operations(document)
        for name, schema in operation.get("x-embeds", {}).items()
    }
    embeds = history.truth(
        """
        select c.relname as view, p.proname as name
        from pg_proc as p inner join pg_class as c on c.reltype = p.proargtypes[0]
        where p.pronamespace = 'public'::regnamespace and has_function_privilege(%s, p.oid, 'execute')
        """,
        role,
    )
    assert set(told) == {(embed["view"], embed["name"]) for embed in embeds}
    for (view, name), schema in told.items():
        rows = api.rows(f"/{view}", {"select": f"{name}(*)", "limit": 20}, role=role)
        for row in rows:
            _validate(row[name], schema, document)
        assert any(row[name] for row in rows), f"nothing was looked at: no {view} has {name}"
        [select, *_] = document["paths"][f"/{view}"]["get"]["parameters"]
        assert f"`{name}(…)`: " in select["description"]


def test_columns_are_chosen_filtered_ordered_and_counted_as_the_document_says(
    documents: dict[str, Document], history: History, api: Api
) -> None:
    document = documents["service_role"]
    for path, method, operation in _operations(document):
        is_call = path.startswith("/rpc/")
        parameters = [_resolved(parameter, document) for parameter in operation["parameters"]]
        names = {parameter["name"] for parameter in parameters}
        assert {"select", "order", "limit", "offset", "and", "or", "Prefer", "Range"} <= names, path
        filters = [parameter["name"] for parameter in parameters if _is_filter(parameter)]
        # In a query, an argument takes the name away from a column that has it, too.
        taken = names - set(filters) if is_call and method == "get" else set()
        assert filters == [column for column in _row_schema(operation, document)["properties"] if column not in taken]

        arguments = _arguments(document["paths"][path], history.event_ids) if is_call else {}
        in_query = {name: _in_query(value) for name, value in arguments.items()} if method == "get" else {}
        [first, *_] = filters
        asked: list[dict[str, Any]] = [
            {**dict.fromkeys(filters, value), "select": first} for value in ("not.is.null", "is.null")
        ]
        asked.append({"or": f"({first}.is.null,{first}.not.is.null)", "order": f"{first}.desc", "select": first})
        for params in asked:
            answer = api.ask(
                path,
                {**in_query, **params, "limit": 1},
                role="service_role",
                method=method.upper(),
                body=arguments if method == "post" else None,
                headers={"Prefer": "count=exact"},
            )
            assert answer.status_code in {200, 206}, (path, method, answer.text)
            assert str(answer.status_code) in operation["responses"]
            assert re.fullmatch(r"(?:0-0|\*)/\d+", answer.headers["Content-Range"]), path
        assert answer.json(), f"nothing was looked at: {path} has no row"


def _is_filter(parameter: Document) -> bool:
    return bool(parameter["schema"].get("items") == {"$ref": "#/components/schemas/filter"})


def test_other_formats_and_refusals_are_as_the_document_says(documents: dict[str, Document], api: Api) -> None:
    document = documents["anon"]
    operation = document["paths"]["/events"]["get"]
    content = operation["responses"]["200"]["content"]
    for accept, schema in content.items():
        answer = api.ask("/events", {"limit": 1}, headers={"Accept": accept})
        assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (200, accept)
        _validate(answer.text if accept == "text/csv" else answer.json(), schema["schema"], document)
    refusals = [
        api.ask("/events", {"event_id": "eq.x"}),
        api.ask("/events", {"event_id": "is_about.1"}),
        api.ask("/events", {"no_such_column": "eq.1"}),
        api.ask("/events", token="not.a.token"),
        api.ask("/events", {"limit": 2}, headers={"Accept": "application/vnd.pgrst.object+json"}),
        api.ask("/events", {"limit": 2}, headers={"Accept": "application/xml"}),
        api.ask("/events", {"offset": 10**6}, headers={"Prefer": "count=exact"}),
    ]
    for answer in refusals:
        declared = _resolved(operation["responses"][str(answer.status_code)], document)
        _validate(answer.json(), declared["content"]["application/json"]["schema"], document)
        code = answer.json()["code"]
        assert code in declared["description"] or f"{code[:2]}…" in declared["description"], answer.text
    kept = api.ask("/events", {"limit": 1})
    again = api.ask("/events", {"limit": 1}, headers={"If-None-Match": kept.headers["ETag"]})
    assert str(again.status_code) == "304"
    assert "304" in operation["responses"]


def test_a_filter_is_what_the_pattern_says(documents: dict[str, Document]) -> None:
    schema = documents["anon"]["components"]["schemas"]["filter"]
    good = ["eq.1", "not.in.(1,2)", "is.null", "like(any).{a,b}", "fts(english).x", "gte.2026-01-01T00:00:00Z"]
    assert [text for text in good if not Draft202012Validator(schema).is_valid(text)] == []
    wrong = ["1", "", "equals.1", "eq", "not.1"]
    assert [text for text in wrong if Draft202012Validator(schema).is_valid(text)] == []


def test_who_is_not_known_is_told_what_everybody_is(documents: dict[str, Document], api: Api) -> None:
    assert _document(api, {}) == documents["anon"]
    assert _document(api, {"Authorization": f"Bearer {api.user_token}"}) == documents["authenticated"]


def test_keys_and_tokens_that_are_not_ours_are_told_nothing(documents: dict[str, Document], api: Api) -> None:
    assert documents
    now = int(time.time())

    def signed(secret: str = api.secret, **claims: Any) -> str:
        return jwt.encode({"role": "service_role", "exp": now + 60, **claims}, secret, algorithm="HS256")

    for headers in (
        {"apikey": "service_role"},
        {"apikey": api.user_token},
        {"Authorization": f"Bearer {signed('0' * 64)}"},
        {"Authorization": f"Bearer {signed(exp=now - 60)}"},
        {"Authorization": f"Bearer {signed(nbf=now + 60)}"},
        {"Authorization": f"Bearer {signed(role='postgres')}"},
        {"Authorization": f"Bearer {signed(role='__proto__')}"},
        {"Authorization": f"Bearer {signed(role=['service_role'])}"},
        {"Authorization": f"Bearer {jwt.encode({'role': 'service_role'}, '', algorithm='none')}"},
        {"Authorization": "Bearer nonsense"},
    ):
        answer = httpx.get(f"{api.url}/openapi.json", headers=headers, trust_env=False)
        assert answer.status_code == 401, headers
        assert "paths" not in answer.text
    assert _document(api, {"Authorization": f"Bearer {signed()}"}) == documents["service_role"]


def test_an_answer_is_kept_until_the_document_is_another(documents: dict[str, Document], api: Api) -> None:
    assert documents
    first = httpx.get(f"{api.url}/openapi.json", trust_env=False)
    again = httpx.get(f"{api.url}/openapi.json", headers={"If-None-Match": first.headers["ETag"]}, trust_env=False)
    assert again.status_code == 304
    assert first.headers["Cache-Control"] == "no-cache"
    assert {"apikey", "Authorization"} <= set(re.split(r",\s*", first.headers["Vary"]))
    assert first.headers["Access-Control-Allow-Origin"] == "*"


def test_a_change_of_the_schema_is_told(history: History, documents: dict[str, Document], api: Api) -> None:
    before = documents["anon"]
    with psycopg.connect(history.database_url, autocommit=True) as connection:
        try:
            connection.execute(
                """
                create view public.told with (security_invoker = true) as
                select 1::bigint as number, array['a'] as words, '{}'::jsonb as anything, '1 day'::interval as span
                """
            )
            connection.execute("grant select on public.told to anon")
            row = _told(api, before)["components"]["schemas"]["view.told"]
            assert {name: schema.get("type") for name, schema in row["properties"].items()} == {
                "number": ["integer", "null"],
                "words": ["array", "null"],
                "anything": None,
                "span": ["string", "null"],
            }
            assert row["properties"]["words"]["items"] == {"type": ["string", "null"]}
            known = _document(api, {})
            connection.execute("comment on view public.told is 'What is told; for a test.'")
            commented = _told(api, known)
            assert commented["paths"]["/told"]["get"]["summary"] == "What is told"
            connection.execute(
                """
                create function public.tell(q text, at timestamptz default now(), "limit_to" integer default -5,
                    words text default 'it''s', nothing text default null) returns bigint
                language sql stable set search_path = '' as 'select 1::bigint'
                """
            )
            connection.execute("grant execute on function public.tell to anon")
            told = _told(api, commented)["paths"]["/rpc/tell"]
            body = told["post"]["requestBody"]["content"]["application/json"]
            assert body["schema"]["required"] == ["q"]
            assert body["example"] == {"q": "", "limit_to": -5, "words": "it's"}
            assert body["schema"]["properties"]["nothing"]["type"] == ["string", "null"]
            assert "now()" in body["schema"]["properties"]["at"]["description"]
            answer = api.ask("/rpc/tell", {"q": "x"})
            assert (answer.status_code, answer.json()) == (200, 1)
            assert list(told["get"]["responses"]["200"]["content"]) == ["application/json"]
        finally:
            connection.execute("drop function if exists public.tell")
            connection.execute("drop view if exists public.told")
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while _document(api, {}) != before:
        assert time.monotonic() < deadline, "the document still has what was dropped"
        time.sleep(0.1)


def _told(api: Api, before: Document) -> Document:
    """The document once it is another."""
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while (document := _document(api, {})) == before or document["info"]["version"] == before["info"]["version"]:
        assert time.monotonic() < deadline, "the document does not follow the schema"
        time.sleep(0.1)
    return document


def _operations(document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield path, method, operation


def _resolved(part: dict[str, Any], document: Document) -> dict[str, Any]:
    for step in part.get("$ref", "#").split("/")[1:]:
        part = document if part.get("$ref") else part
        part = part[step]
    return part


def _row_schema(operation: dict[str, Any], document: Document) -> dict[str, Any]:
    content = operation["responses"]["200"]["content"]
    return _resolved(content["application/vnd.pgrst.object+json"]["schema"], document)


def _arguments(operations: dict[str, Any], event_ids: tuple[int, ...]) -> dict[str, Any]:
    """A value, by its type alone, for each argument that must be given, and an instant where one may be."""
    schema = operations["post"]["requestBody"]["content"]["application/json"]["schema"]
    required = schema.get("required", [])
    in_query = {each["name"] for each in operations["get"]["parameters"] if each.get("required")}
    assert in_query == set(required)
    return {
        name: _value(argument, event_ids)
        for name, argument in schema["properties"].items()
        if name in required or (argument.get("format"), argument["type"]) == ("date-time", ["string", "null"])
    }


def _value(schema: dict[str, Any], event_ids: tuple[int, ...]) -> Any:
    if schema.get("format") == "date-time":
        return (datetime.now(UTC) - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"integer": event_ids[0], "array": [*event_ids]}.get(schema["type"], "event")


def _in_query(value: Any) -> Any:
    return f"{{{','.join(map(str, value))}}}" if isinstance(value, list) else value


def _validate(value: Any, schema: dict[str, Any], document: Document) -> None:
    whole = {**schema, "components": document["components"]}  # where its references point
    errors = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER).iter_errors(value)
    assert [f"{error.json_path}: {error.message}" for error in errors] == []
