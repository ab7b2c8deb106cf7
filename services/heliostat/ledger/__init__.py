"""The room that remembers: callers, budgets, the journal of requests and attempts, and the pictures that are kept."""
