"""What the completions check asks, sees and remembers."""
