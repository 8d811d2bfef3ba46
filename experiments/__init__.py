"""The published systems, studies and sweeps; loaded by the command line by name."""
