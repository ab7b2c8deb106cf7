"""Decides where a request goes, asks one target after the other, and relays what comes back."""
