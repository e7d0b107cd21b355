"""What is told of flows: cards, pictures, tables, pages."""
