"""Send tasks: list, page, form, actions."""
