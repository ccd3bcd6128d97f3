"""Templates and test sends."""
