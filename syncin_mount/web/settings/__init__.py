"""Settings on the page: accounts and their clients, filters, and the whole program's."""
