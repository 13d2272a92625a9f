"""The alerts' part of ``config.yaml``."""
