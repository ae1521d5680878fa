"""Brings recordings in, through the same checks, codec and ledger as live captures.

What belongs here: the flow of an import. What does not: the file format (``recordings``), storing (``loading``).
An import can be broken off and run again: captures that are stored already are recognised and skipped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ingestion.answers import Answer, read_answer
from ingestion.database import Database
from ingestion.loading import BATCH_SIZE, Loader, LoadResult
from ingestion.recordings import read_recording
from ingestion.tracking import intervals_in_force


@dataclass(frozen=True)
class ImportReport:
    """What an import did."""

    answer_count: int
    seconds: float
    loaded: LoadResult


def import_recordings(
    database: Database,
    paths: Iterable[Path],
    *,
    interval_seconds: int,
    on_progress: Callable[[int], None] = lambda _: None,
) -> ImportReport:
    """Import recordings one after the other; ``on_progress`` hears of answers as they are stored.

    ``interval_seconds`` is the interval in force of events that are not tracked; tracked ones have their own.

    Raises:
        RecordingError: a file cannot be read; the batches before the faulty line are stored. Whatever
            ``Loader.load`` raises.
    """
    started = time.monotonic()
    intervals = database.run(intervals_in_force)
    loader = Loader(database)
    answer_count = 0
    for path in paths:
        recorded = read_recording(path)
        while answers := list(islice(recorded, BATCH_SIZE)):
            _load(loader, answers, intervals, interval_seconds)
            answer_count += len(answers)
            on_progress(len(answers))
    return ImportReport(answer_count, time.monotonic() - started, loader.result)


def _load(loader: Loader, answers: Iterable[Answer], intervals: dict[int, int], interval_seconds: int) -> None:
    loader.load([read_answer(a, intervals.get(a.event_id, interval_seconds), run_id=None) for a in answers])
