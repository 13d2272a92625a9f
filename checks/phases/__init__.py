"""What is owed, what arrived, and what that means: pure functions over completions and a calendar."""
