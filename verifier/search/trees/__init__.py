"""Branch and bound over phases and over boxes."""
