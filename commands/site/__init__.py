"""The catalog as a static site: an index, a page for each entry, and what the browser does with them."""
