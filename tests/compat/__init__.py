"""What people have written for other engines, and whether it does here what it did there."""
