"""``config.yaml``: read, checked, shown, described."""
