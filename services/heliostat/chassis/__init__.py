"""What every process of the mesh stands on. Of the contract it knows the error reasons alone."""
