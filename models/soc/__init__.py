"""Systems on a chip: CPU, GPU and NPU that share one DRAM."""
