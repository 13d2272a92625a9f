"""A day of a watcher on a Logging service, on an accelerated clock: its list requests in each minute.

    python -m bench.simulated_day

What happens in that day: ``tests.support.logging_day``. The quota of the service is 60 a minute; less than half of it
is ours.
"""

from __future__ import annotations

from collections import Counter

from tests.support.logging_day import simulate


def main() -> None:
    """Simulate it, and print how often how many requests were made in a minute."""
    day = simulate()
    total = f"{sum(day.by_minute):,} list requests in {len(day.by_minute):,} minutes"
    print(f"{day.ticks:,} ticks, {day.blind} of them blind; {total}")
    print(f"busiest sixty seconds: {day.busiest} (quota 60); failures logged {day.written:,}, counted {day.counted:,}")
    print("requests in a minute: minutes")
    for requests, minutes in sorted(Counter(day.by_minute).items()):
        print(f"{requests:>20}: {minutes}")


if __name__ == "__main__":
    main()
