"""The faults document over HTTP and by command: set, read, cleared, and what is said of a bad one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from sandbox.cli import app
from sandbox.faults.document import FAULTS
from tests.unit.sandbox.serving import Sandbox, good_body

DOCUMENT = {"seed": 4, "keep_served": False, "rules": [{"fault": "blocked", "share": 0.5, "options": {"form": "403"}}]}
NONE = {"seed": 0, "keep_served": False, "rules": []}


def run(url: str, *arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(app, ["faults", *arguments, "--url", url], input=text)


def test_a_document_is_set_read_and_cleared(sandbox: Sandbox):
    assert sandbox.http.put("/sandbox/faults", json=DOCUMENT).json() == DOCUMENT
    assert sandbox.http.get("/sandbox/faults").json() == DOCUMENT
    assert sandbox.http.delete("/sandbox/faults").json() == NONE
    assert sandbox.http.get("/sandbox/faults").json() == NONE
    assert sandbox.listings().content == good_body()


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_needs_only_its_name(sandbox: Sandbox, fault: str):
    sandbox.set_faults({"fault": fault, "share": 0})
    assert sandbox.listings().content == good_body()


def rule(**changes: Any) -> str:
    return json.dumps({"rules": [{"fault": "blocked"}, {"fault": "server_error", **changes}]})


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{seed: 1}", "JSON is malformed"),
        ("[]", "Expected `object`, got `array`"),
        ('{"faults": []}', "unknown field `faults`"),
        ('{"seed": -1}', "`$.seed`"),
        ('{"rules": [{"share": 1}]}', "missing required field `fault` - at `$.rules[0]`"),
        (rule(fault="gremlins"), "there is no fault 'gremlins' - at `$.rules[1].fault`"),
        (rule(share=1.2), "Expected `float` <= 1.0 - at `$.rules[1].share`"),
        (rule(share="most"), "got `str` - at `$.rules[1].share`"),
        (rule(events=[0]), "`$.rules[1].events[0]`"),
        (rule(times=0), "`$.rules[1].times`"),
        (rule(paths="search"), "Invalid enum value 'search' - at `$.rules[1].paths`"),
        (rule(often=1), "unknown field `often` - at `$.rules[1]`"),
        (rule(options={"form": "418"}), "Invalid enum value '418' - at `$.rules[1].options.form`"),
        (rule(options={"status": 500}), "`$.rules[1].options`; options of server_error: form"),
        (rule(fault="not_found", options={"x": 1}), "options of not_found: none"),
        (rule(fault="count_mismatch", paths="productions"), "strikes listings alone - at `$.rules[1].paths`"),
        (rule(fault="re_keying", times=1), "it has no times; give options from and until - at `$.rules[1].times`"),
        (rule(fault="re_keying", options={"from": "2026-11-22T22:00:00"}), "timezone"),
        (rule(fault="timeout", options={"seconds": -1}), "`$.rules[1].options.seconds`"),
    ],
)
def test_a_bad_document_changes_nothing_and_is_explained(sandbox: Sandbox, document: str, words: str):
    sandbox.http.put("/sandbox/faults", json=DOCUMENT)
    response = sandbox.http.put("/sandbox/faults", content=document)
    message = response.json()["message"]
    assert response.status_code == 400
    assert words in message
    assert all(fault in message for fault in FAULTS)
    assert sandbox.http.get("/sandbox/faults").json() == DOCUMENT


def test_the_commands(sandbox: Sandbox, sandbox_url: str, tmp_path: Path):
    path = tmp_path / "faults.json"
    path.write_text(json.dumps(DOCUMENT))
    done = run(sandbox_url, "set", str(path))
    assert (done.exit_code, json.loads(done.stdout)) == (0, DOCUMENT)
    assert sandbox.http.get("/sandbox/faults").json() == DOCUMENT
    assert json.loads(run(sandbox_url, "show").stdout) == DOCUMENT
    assert json.loads(run(sandbox_url, "clear").stdout) == NONE
    assert json.loads(run(sandbox_url, "set", "-", text='{"seed": 9}').stdout)["seed"] == 9


def test_what_the_commands_say_when_it_does_not_work(sandbox_url: str, tmp_path: Path):
    wrong = run(sandbox_url, "set", "-", text=rule(fault="gremlins"))
    assert wrong.exit_code == 2
    assert "there is no fault 'gremlins'" in wrong.stderr
    missing = run(sandbox_url, "set", str(tmp_path / "none.json"))
    assert missing.exit_code == 1
    assert "No such file or directory" in missing.stderr
    nobody = run("http://127.0.0.1:1", "show")
    assert nobody.exit_code == 1
    assert "no sandbox answers at http://127.0.0.1:1" in nobody.stderr
    elsewhere = run(f"{sandbox_url}/healthz", "show")
    assert elsewhere.exit_code == 1
    assert "it answered 404" in elsewhere.stderr
