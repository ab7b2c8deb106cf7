"""Rules that every adapter keeps, whoever wrote it and in whatever language: asked over the contract alone."""
