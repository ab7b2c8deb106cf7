"""Revisions of the router's tables. The newest one's id stands in `HEAD`."""

HEAD = "0001"
