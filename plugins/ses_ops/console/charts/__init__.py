"""Charts and bars as plain SVG, without a library or inline styles."""
