"""Ways to reach people, one file or folder each."""
