"""What is wrong over time, and which fault explains which: ledger, causes, storms. Pure."""
