"""How Cloud Logging is asked: calls, filters, the cursor, the lines around a failure."""
