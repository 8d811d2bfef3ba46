"""Neural processors: systolic arrays, phone systems on a chip, row-stationary arrays. See docs/methods/npu.md."""
