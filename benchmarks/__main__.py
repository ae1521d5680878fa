"""Runs all benchmarks, or those named, and keeps their figures."""

from __future__ import annotations

import sys

from benchmarks import builds, endpoints, parsing, query_plans, rounds, stack_times, writer
from benchmarks.report import write_results

_BENCHMARKS = {
    "writer": writer.measure,
    "parsing": parsing.measure,
    "rounds": rounds.measure,
    "stack": stack_times.measure,
    "endpoints": endpoints.measure,
    "builds": builds.measure,
    "plans": query_plans.measure,
}


def main() -> None:
    """Run the benchmarks named on the command line, all of them where none is."""
    names = sys.argv[1:] or list(_BENCHMARKS)
    unknown = sorted(set(names) - set(_BENCHMARKS))
    if unknown:
        sys.exit(f"error: there is no benchmark {', '.join(unknown)}; there are {', '.join(_BENCHMARKS)}")
    write_results([figure for name in names for figure in _BENCHMARKS[name]()])


if __name__ == "__main__":
    main()
