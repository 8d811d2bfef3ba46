"""Storage: read time by block size, address range, queue and issuing core."""
