"""One file per place to ask."""
