"""Flash chiplets and storage: NAND timing, in-flash compute, read slicing."""
