"""The assistant that adds a synchronization, question by question."""
