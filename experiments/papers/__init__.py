"""Published systems, predicted row by row."""
