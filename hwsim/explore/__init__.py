"""Design-space sweeps: a grid over a device and a workload, evaluated by the compiled cost functions."""
