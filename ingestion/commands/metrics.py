"""``ticketmarts metrics serve``: the endpoint that Prometheus scrapes.

What belongs here: arguments, and staying until stopped. What does not: metrics (``ingestion.monitoring``).
"""

from __future__ import annotations

from typing import Annotated

import typer
from prometheus_client import CollectorRegistry, start_http_server

from ingestion.monitoring.collecting import PipelineCollector
from ingestion.settings import load_settings
from ingestion.terminal import messages

app = typer.Typer(no_args_is_help=True, help="Metrics of the pipeline for Prometheus.")


@app.callback()
def _group() -> None:
    """Without this, the only command would lose its name."""


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on; others than this machine's see all of it.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int | None, typer.Option(help="The port; not given: METRICS_PORT.", min=0, max=65535)] = None,
) -> None:
    """Serve metrics at /metrics until stopped, whether the database is there or not."""
    settings = load_settings()
    registry = CollectorRegistry()
    registry.register(PipelineCollector(settings))
    server, thread = start_http_server(settings.metrics_port if port is None else port, host, registry)
    messages.print(f"metrics at http://{host}:{server.server_port}/metrics")
    thread.join()
