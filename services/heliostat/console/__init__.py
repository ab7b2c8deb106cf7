"""The console: what people see of the mesh, and the switches they may turn. gRPC to ledger and router, nothing else."""
