"""One file per check: what it reads and how it judges."""
