"""What helps to find out what is wrong."""
