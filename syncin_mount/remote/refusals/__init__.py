"""What the refusals of a server and the failures of the network mean, and what helps."""
