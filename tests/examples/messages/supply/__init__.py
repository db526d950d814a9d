"""A customer and a supplier, who know only messages of one another."""
