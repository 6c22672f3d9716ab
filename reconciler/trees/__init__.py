"""What is where: the trees of the replica, the base and the server."""
