"""Log entries -> failures: pure, without I/O and clock. ``failures.scan`` is the way in."""
