"""The commands: what they print, what they write, and how they end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import orjson
import pytest
from typer.testing import CliRunner, Result

from sandbox.cli import app

PROJECT = Path(__file__).parents[3]
AT = "2026-11-22T22:00:00Z"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def start(*arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "sandbox.cli", *arguments]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_events_lists_what_is_ahead():
    result = run("events", "--at", AT, "--limit", "30", "--json")
    events = orjson.loads(result.stdout)
    assert result.exit_code == 0
    assert len(events) == 30
    assert {"event_id", "name", "starts_at", "venue", "peak_listings"} <= set(events[0])
    assert str(events[0]["event_id"]) in run("events", "--at", AT).stdout


def test_featured_events_for_a_program():
    result = run("events", "--featured", "24", "--at", AT, "--json")
    assert len({event["event_id"] for event in orjson.loads(result.stdout)}) == 24


@pytest.mark.parametrize("name", ["r.jsonl", "r.jsonl.zst"])
def test_record_writes_a_file(tmp_path: Path, name: str):
    path = tmp_path / name
    result = run(
        "record", "--events", "2", "--to", AT, "--days", "0.02", "--interval-minutes", "5", "--output", str(path)
    )
    assert result.exit_code == 0
    assert "recording: 10 of 10" in result.stderr
    assert result.stdout == ""
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_record_takes_named_events_and_a_range(tmp_path: Path):
    path = tmp_path / "r.jsonl"
    times = ("--from", "2026-11-22T20:00:00Z", "--to", "2026-11-22T20:30:00Z")
    result = run("record", "--event", "5046012", "--event", "5046014", *times, "--output", str(path))
    captured = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    assert result.exit_code == 0
    assert [each["event_id"] for each in captured] == [5046012, 5046014] * 3
    assert all("2026-11-22T20:00" <= each["captured_at"] < "2026-11-22T20:30" for each in captured)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--event", "1", "--events", "2"), "not both"),
        (("--from", AT, "--days", "2"), "not both"),
        (("--from", AT, "--to", AT), "nothing to record"),
        (("--to", "tomorrow"), "no instant"),
        (("--event", "1", "--event", "1"), "only once"),
        (("--interval-minutes", "0"), "--interval-minutes"),
        (("--seed", "-1"), "--seed"),
    ],
)
def test_wrong_use_ends_with_two(arguments: tuple[str, ...], words: str):
    result = run("record", "--output", "-", *arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())


def test_a_folder_that_is_not_there_ends_with_one(tmp_path: Path):
    path = tmp_path / "none" / "r.jsonl"
    result = run("record", "--events", "1", "--days", "0.01", "--output", str(path))
    assert result.exit_code == 1
    assert f"cannot write the recording to {path}: No such file or directory" in result.stderr


def test_a_recording_streams_and_stops_when_nobody_reads():
    process = start("record", "--events", "3", "--days", "3", "--to", AT, "--output", "-")
    assert process.stdout is not None
    assert process.stderr is not None
    first = orjson.loads(process.stdout.readline())
    process.stdout.close()
    complaints = process.stderr.read()
    process.stderr.close()
    assert process.wait(30) == 1
    assert first["status"] == 200
    assert b"Traceback" not in complaints
    assert b"BrokenPipe" not in complaints


def test_serve_says_where_answers_and_stops_quietly():
    process = start("serve", "--port", "0", "--seed", "3")
    assert process.stdout is not None
    assert process.stderr is not None
    url = process.stdout.readline().decode().split()[-1]
    assert httpx.get(f"{url}/healthz").json() == {"status": "ok", "seed": 3}
    os.kill(process.pid, signal.SIGINT)
    with process.stdout, process.stderr:
        assert process.wait(30) == 0
        assert process.stderr.read() == b""


def test_a_port_in_use_is_said_plainly():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("serve", "--port", str(port))
    assert result.exit_code == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use. Stop what listens there" in result.stderr


def test_a_recording_that_is_not_there_is_said_plainly(tmp_path: Path):
    result = run("serve", "--port", "0", "--recording", str(tmp_path / "none.jsonl"))
    assert result.exit_code == 1
    assert "cannot read the recording" in result.stderr
