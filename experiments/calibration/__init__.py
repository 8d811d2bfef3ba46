"""Fits of the documented constants of calibrated devices."""
