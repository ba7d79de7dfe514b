"""Frames painted as they come."""
