"""Every source and channel, tried."""
