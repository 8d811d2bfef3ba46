"""Device families and links: what an operator costs on a device, and the catalog of real ones."""
