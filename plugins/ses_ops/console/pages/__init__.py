"""One module a page; `app.PAGES` names them."""
