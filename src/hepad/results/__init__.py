"""Results of one run: its figures, and the page that shows them."""
