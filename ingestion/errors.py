"""The root of errors that a person can do something about.

What belongs here: one class. A command prints its message and nothing else; everything else that is raised is a defect
and gets a traceback.

    UserError
    ├── SettingsError              ingestion.settings
    ├── DatabaseUnavailableError   ingestion.database
    ├── TrackingFileError          ingestion.tracking.tracking_file
    ├── RecordingError             ingestion.recordings
    ├── NoSnapshotError            ingestion.snapshots
    ├── ExportError                ingestion.exporting
    ├── NotInQuarantineError       ingestion.quarantine
    └── StackError                 stack.errors
"""

from __future__ import annotations


class UserError(Exception):
    """Something outside the program is not as it must be; the message says what, where and what to do."""
