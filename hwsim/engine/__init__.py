"""Engines: a costed schedule, its closed-form total, and its replay as events."""
