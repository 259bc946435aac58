"""HTML pages: templates, one style sheet, no script."""
