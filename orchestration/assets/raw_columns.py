"""The columns of the tables that the assets in Python write, as Dagster shows them.

What belongs here: names, types and what they mean. A test holds the first two to the database: a code location
is loaded where none may be at hand.
"""

from __future__ import annotations

import dagster as dg

TRACKED_EVENTS_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("event_id", "bigint", "The marketplace's id of the event: one production with one date."),
        dg.TableColumn(
            "is_tracked", "boolean", "Whether the event is being scraped; false for one that once was, or never."
        ),
        dg.TableColumn(
            "interval_seconds", "integer", "Seconds between two captures of the event, by the interval in force."
        ),
        dg.TableColumn("added_at", "timestamp with time zone", "When the event was first tracked."),
        dg.TableColumn(
            "production_checked_at",
            "timestamp with time zone",
            "When the marketplace was last asked about the event itself.",
        ),
        dg.TableColumn(
            "added_by_hand", "boolean", "Whether a person has asked for the event; it stays, whatever rules find."
        ),
        dg.TableColumn(
            "removed_by_hand", "boolean", "Whether a person has removed it; it stays out, whatever rules find."
        ),
        dg.TableColumn("rule", "text", "The rule that found the event when they were last run; null where none did."),
        dg.TableColumn(
            "left_at", "timestamp with time zone", "When the event was last no longer tracked; null while it is."
        ),
        dg.TableColumn("production_not_found_streak", "integer", "404s in a row when asked about the event itself."),
        dg.TableColumn(
            "production_not_found_since_at",
            "timestamp with time zone",
            "When that streak began; null where there is none.",
        ),
    ]
)
SNAPSHOTS_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("event_id", "bigint", "The marketplace's id of the event: one production with one date."),
        dg.TableColumn("captured_at", "timestamp with time zone", "When the event was captured."),
        dg.TableColumn("loaded_at", "timestamp with time zone", "When the row was written."),
        dg.TableColumn("content_hash", "bigint", "64-bit hash of all listings of the capture."),
        dg.TableColumn("run_id", "uuid", "Run of the orchestrator that captured it; null for imports."),
        dg.TableColumn("listing_count", "integer", "Listings in the capture."),
        dg.TableColumn("ticket_count", "integer", "Tickets in all listings of the capture."),
        dg.TableColumn("change_count", "integer", "Listings that differ from the capture before."),
        dg.TableColumn(
            "interval_seconds", "integer", "Seconds between two captures of the event, by the interval in force."
        ),
        dg.TableColumn("fetch_ms", "integer", "Milliseconds that fetching took."),
        dg.TableColumn("body_bytes", "integer", "Bytes of the answer's body."),
        dg.TableColumn("http_status", "smallint", "HTTP status of the answer."),
        dg.TableColumn(
            "rejected_count", "integer", "Listings of the body that could not be trusted and are not in the capture."
        ),
        dg.TableColumn("listing_key", "integer[]", "Keys of the listings that changed."),
        dg.TableColumn("quantity", "smallint[]", "Their tickets now; 0: the listing is gone."),
        dg.TableColumn("price_cents", "integer[]", "Their pre-fee prices per ticket now."),
        dg.TableColumn(
            "all_in_cents", "integer[]", "Their all-in prices per ticket now; -1 where the marketplace gave none."
        ),
        dg.TableColumn("source_listing_id", "text[]", "The marketplace's ids of the listings that are new."),
        dg.TableColumn("placement_id", "bigint[]", "Where they are."),
        dg.TableColumn("terms_id", "bigint[]", "How they are sold."),
        dg.TableColumn("seat_low", "text[]", "Their lowest seats; empty where none names a seat."),
        dg.TableColumn("seat_high", "text[]", "Their highest seats; empty where none names a seat."),
    ]
)
