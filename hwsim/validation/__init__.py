"""Predictions beside measurements: reading the measured tables, the comparison, the page."""
