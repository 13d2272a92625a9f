"""What people read: messages, digests and replies, in no channel's dialect. Pure."""
