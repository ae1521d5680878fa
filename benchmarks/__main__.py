"""Runs all benchmarks, or those named, and keeps the figures when all have run."""

from __future__ import annotations

import sys

from benchmarks import parsing, rounds, stack_times, writer
from benchmarks.report import write_results

_BENCHMARKS = {
    "writer": writer.measure,
    "parsing": parsing.measure,
    "rounds": rounds.measure,
    "stack": stack_times.measure,
}


def main() -> None:
    """Run the benchmarks named on the command line, all of them where none is."""
    names = sys.argv[1:] or list(_BENCHMARKS)
    unknown = sorted(set(names) - set(_BENCHMARKS))
    if unknown:
        sys.exit(f"error: there is no benchmark {', '.join(unknown)}; there are {', '.join(_BENCHMARKS)}")
    figures = [figure for name in names for figure in _BENCHMARKS[name]()]
    if names == list(_BENCHMARKS):
        write_results(figures)


if __name__ == "__main__":
    main()
