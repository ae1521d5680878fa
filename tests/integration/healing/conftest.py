"""Small events and a marketplace in a hurry, as the tests of ``resilience`` have them."""

from tests.integration.resilience.conftest import live_events, market, market_url

__all__ = ["live_events", "market", "market_url"]
