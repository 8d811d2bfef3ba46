"""Graphics processors: tiles, waves, caches and launches, with energy. See docs/methods/gpu.md."""
