"""Whole runs against published end-to-end measurements."""
