"""What metrics show: rules, presets, and what a series of points means. Pure."""
