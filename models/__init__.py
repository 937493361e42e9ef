"""Spiking networks and how they are trained."""
