"""The checks' part of ``config.yaml``: one module for each thing that can be set."""
