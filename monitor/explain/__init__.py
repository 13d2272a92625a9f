"""What is owed for a run date, by when and why; what arrived, and what would be alerted."""
