"""``python -m monitor`` is the command ``phasewatch``."""

from monitor.cli import main

main()
