"""The HTTP server: health, report, API."""
