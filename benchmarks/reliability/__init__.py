"""What campaigns survive."""
