"""An R x C systolic array, output- or weight-stationary."""
