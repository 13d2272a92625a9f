"""From the configuration to real parts."""
