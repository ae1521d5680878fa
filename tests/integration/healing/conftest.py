"""Small events and a marketplace in a hurry, as the tests of ``resilience`` have them; dbt as those of ``marts``."""

from tests.integration.marts.conftest import fresh_warehouse
from tests.integration.resilience.conftest import live_events, market, market_url

__all__ = ["fresh_warehouse", "live_events", "market", "market_url"]
