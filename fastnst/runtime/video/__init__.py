"""Frames of videos, in and out."""
