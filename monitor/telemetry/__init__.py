"""How the watcher itself is, for Prometheus and for Cloud Monitoring."""
