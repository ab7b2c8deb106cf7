"""Revisions of the ledger's tables. The newest one's id stands in `HEAD`."""

HEAD = "0008"
