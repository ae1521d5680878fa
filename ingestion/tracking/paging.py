"""All pages of a search, and whether they are all there.

What belongs here: paging. What does not: what is searched for (``matching``).

Which page an answer is and how many there are is read from the answer. An event leaves when it is found no more, so a
listing that may lack something must be known for it: a page that fails, is another one than was asked for, or leaves
the total unreached. A market that moves between two pages looks the same, and is complete an hour later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ingestion.failures import CaptureError
from ingestion.marketplace import Marketplace, MarketplaceClosedError
from ingestion.wire_format.productions import FoundProduction, parse_productions_page

MOST_PAGES = 500
"""At 100 a page and four requests a second: 50,000 productions in two minutes."""


@dataclass
class Listing:
    """What a search found, each production once, in the marketplace's order; ``problem`` says why it is not all."""

    found: dict[int, FoundProduction] = field(default_factory=dict)
    problem: str | None = None


async def list_productions(marketplace: Marketplace, criteria: Mapping[str, str]) -> Listing:
    """Everything that a search finds, as far as it can be had."""
    listing = Listing()
    try:
        listing.problem = await _turn_pages(marketplace, criteria, listing.found)
    except MarketplaceClosedError as closed:
        listing.problem = str(closed)
    except CaptureError as error:
        listing.problem = f"{error.kind}: {error}"
    return listing


async def _turn_pages(
    marketplace: Marketplace, criteria: Mapping[str, str], found: dict[int, FoundProduction]
) -> str | None:
    for number in range(1, MOST_PAGES + 1):
        page = parse_productions_page(await marketplace.search_productions(criteria, number))
        if page.number != number:
            return f"asked for page {number}, got page {page.number}"
        for production in page.productions:
            found.setdefault(production.event_id, production)
        if number >= page.page_count:
            # More than the total is as wrong as fewer: then the total is that of something else.
            same = len(found) == page.total
            return None if same else f"{len(found)} productions on {number} pages, where {page.total} were said to be"
        if not page.productions:
            return f"page {number} of {page.page_count} is empty"
    return f"more than {MOST_PAGES} pages; make the rule narrower"
