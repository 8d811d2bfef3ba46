"""FPGA accelerators: overlays of DSP chains, and dataflow designs with reuse factors. See docs/methods/fpga.md."""
