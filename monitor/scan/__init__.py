"""Files of exported entries, read by several processes."""
