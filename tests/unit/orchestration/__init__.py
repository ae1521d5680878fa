"""What Dagster is configured with, without running it."""
