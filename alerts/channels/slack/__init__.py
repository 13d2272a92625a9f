"""Slack: one root message per incident, edited in place, its history in the thread."""
