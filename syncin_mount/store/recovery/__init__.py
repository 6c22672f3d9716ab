"""Recovery after a crash, a power cut or damage."""
