"""When, and for whom: configuration, scheduling, reports, the command line and the HTTP server."""
