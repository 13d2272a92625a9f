"""The health report: one value, built by pure code; one renderer per format."""
