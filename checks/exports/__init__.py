"""Exported log entries, from bytes to what a scan must decode."""
