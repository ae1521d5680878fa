"""What `up` prints once everything runs: where things are, and lines to paste. Plain text, for a pipe too."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from stack.programs import Program


def print_banner(console: Console, variables: dict[str, str], programs: Sequence[Program]) -> None:
    """Print where the parts are. Keys and addresses are never wrapped, so that they can be copied whole."""
    for line in banner_lines(variables, {program.name: program.url for program in programs if program.port}):
        console.print(line, soft_wrap=True, highlight=False, markup=False)


def banner_lines(variables: dict[str, str], urls: dict[str, str]) -> list[str]:
    """The banner's lines. The embedded database's password is shown; that of a database of the person's own is not."""
    lines = ["", "ticketmarts is up.", ""]
    lines += [f"  Dagster      {urls['dagster-webserver']}"]
    if "SUPABASE_URL" in variables:
        lines += [f"  Data API     {variables['SUPABASE_URL']}"]
    if "SUPABASE_ANON_KEY" in variables:
        lines += [f"    anon key   {variables['SUPABASE_ANON_KEY']}"]
        lines += [
            f"    docs       {variables['SUPABASE_URL']}/ (every view and function, to try out; OpenAPI: /openapi.json)"
        ]
    lines += [f"  Metrics      {urls['metrics']}/metrics"]
    lines += [f"  Marketplace  {variables['MARKETPLACE_BASE_URL']}{' (the sandbox)' if 'sandbox' in urls else ''}"]
    is_embedded = "SUPABASE_ANON_KEY" in variables
    lines += [f"  PostgreSQL   {variables['DATABASE_URL'] if is_embedded else 'your DATABASE_URL'}"]
    lines += ["", "Try, in another terminal:", ""]
    if is_embedded:
        url, key = variables["SUPABASE_URL"], variables["SUPABASE_ANON_KEY"]
        lines += [
            f"  curl '{url}/rest/v1/event_live?limit=3' -H 'apikey: {key}'",
            f"  createClient('{url}', '<anon key>').from('aggregated_analytics').select('*').limit(3)",
        ]
    lines += [
        f"  psql '{variables['DATABASE_URL']}'" if is_embedded else '  psql "$DATABASE_URL"',
        "  .venv/bin/ticketmarts status",
        "",
        "Ctrl-C here, or `.venv/bin/ticketmarts down` elsewhere, stops all of it; the data stays.",
    ]
    return lines
