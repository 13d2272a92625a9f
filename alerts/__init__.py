"""Who must hear of it: remembers faults, joins them to incidents, decides and delivers notifications."""
