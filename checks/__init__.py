"""What is true of the pipeline now. Knows no incident, no database of ours, no Slack."""
