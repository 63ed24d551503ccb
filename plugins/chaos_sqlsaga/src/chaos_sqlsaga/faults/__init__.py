"""Faults aimed at sagas: at statements, commits, calls, leases, connections, rows and worker processes."""
