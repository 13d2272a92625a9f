"""The long-lived watcher: runs the checks on time, tells people, and looks after itself."""
