"""Which events are scraped, how often, and what the marketplace says of the events themselves.

What belongs here: ``tracking.yaml``, ``raw.tracked_events``, ``raw.discoveries`` and ``raw.productions``. What does
not: the events' listings (``scraping``).

    rules, mistakes, tracking_file, cadence     what a person has written
    matching, paging, choosing, discovery       running the rules: events enter and leave
    refreshing, versions                        asking about events, keeping what changed
    events, due, updating                       by hand; what a round takes; all of it in order
"""

from ingestion.tracking.cadence import SCRAPING_GRACE, Cadence
from ingestion.tracking.due import events_to_scrape
from ingestion.tracking.events import TrackedEvent, intervals_in_force, list_tracked, track, untrack
from ingestion.tracking.refreshing import ProductionsReport, refresh_productions
from ingestion.tracking.tracking_file import Plan, TrackingFileError, load_plan
from ingestion.tracking.updating import TrackingReport, describe, rehearse_discovery, update_tracking
from ingestion.tracking.versions import GONE, HIDDEN, ON_SALE, ProductionChange, save_production

__all__ = [
    "GONE",
    "HIDDEN",
    "ON_SALE",
    "SCRAPING_GRACE",
    "Cadence",
    "Plan",
    "ProductionChange",
    "ProductionsReport",
    "TrackedEvent",
    "TrackingFileError",
    "TrackingReport",
    "describe",
    "events_to_scrape",
    "intervals_in_force",
    "list_tracked",
    "load_plan",
    "refresh_productions",
    "rehearse_discovery",
    "save_production",
    "track",
    "untrack",
    "update_tracking",
]
