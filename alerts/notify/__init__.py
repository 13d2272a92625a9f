"""What people hear of incidents, when, and through which channel. Pure."""
