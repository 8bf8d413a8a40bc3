"""The least width of a robust memorizer of given data, with evidence on both sides."""
