"""Styles that people share: the card of a model's page, and `push`."""
