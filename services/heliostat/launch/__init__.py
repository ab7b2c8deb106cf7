"""The composition: the only place that knows all parts, by name."""
