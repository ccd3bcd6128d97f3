"""Charts and bars as plain SVG: no library, no inline style."""
