"""What is remembered between ticks: SQLAlchemy Core on SQLite (default) and PostgreSQL."""
