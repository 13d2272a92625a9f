"""What tables must look like, what they do look like, and what that means (pure)."""
