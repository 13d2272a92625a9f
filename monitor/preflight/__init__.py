"""Preflight, from options to answers."""
