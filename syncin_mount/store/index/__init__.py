"""The index: LMDB tables, and what each event does to them."""
