"""How single files stand towards the server, told to who shows many of them."""
