"""Systolic arrays, phone processors and tensor processing units."""
