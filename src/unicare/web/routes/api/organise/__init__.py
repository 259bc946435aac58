"""What organisers look at and do; nobody else may."""
