"""Live verification: the rules of the conformance suite against a real provider, under a cap, with a recording."""
