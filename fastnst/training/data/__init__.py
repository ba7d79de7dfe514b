"""Photographs to train on."""
