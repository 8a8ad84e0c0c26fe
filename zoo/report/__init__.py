"""What is published beside a model: cards, tables, figures, sites, pages."""
