"""HTTP connections to a server: route, pool, streams, limits."""
