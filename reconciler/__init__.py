"""What must happen so that two trees agree: three trees in, a plan out, and the loop that carries
it out.

Imports the standard library and trio only; whoever uses it brings replica, server and clock through
`reconciler.ports`.
"""
