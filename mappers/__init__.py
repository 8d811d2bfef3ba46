"""What turns a network into work for a device: reading networks, techniques that rewrite them, and their placement."""
