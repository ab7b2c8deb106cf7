"""The router in virtual time: its own code, hours of traffic in seconds, the same run for the same seed."""
